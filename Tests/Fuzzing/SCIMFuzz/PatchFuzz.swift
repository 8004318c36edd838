/// The `patch` target: normalises, parses and applies PATCH bodies, and checks that the result is valid.
extension Fuzz {
  static func patch(_ bytes: UnsafeBufferPointer<UInt8>) {
    guard let json = parsed(Array(bytes)) else { return }
    for profile in ConnectionProfile.allCases {
      let normaliser = Normaliser(profile: profile, userAgent: nil, schemas: schemas)
      trying {
        let normalised = normaliser.userPatch(json)
        let patch = try Patch(normalised)
        let read = try Patch(normalised.json)
        precondition(read == patch, "paths parsed during normalisation equal those parsed from the message")
        let again = try Patch(JSON(parsing: patch.json()))
        precondition(again == patch, "a PATCH serialized in a command parses to the same PATCH")
        try patch.check(against: schemas.user)
        _ = patch.mentionedNames
        let changed = try patch.applied(to: user, schemas: schemas)
        let valid = try UserDocument(JSON(parsing: changed.json()), schemas: schemas)
        precondition(valid == changed, "the result of a PATCH is a valid user")
      }
      // libFuzzer enforces the time limit: the step budget must stop slow patches. One profile is enough, because all share the budget.
      trying {
        guard profile == .auto else { return }
        let patch = try Patch(normaliser.userPatch(enlarged(json)))
        try patch.checkSteps()
        let changed = try patch.applied(to: largeUser, schemas: schemas)
        try changed.checkBounds(replacing: largeUserStored, schemas: schemas)
        checkBounds(of: changed)
      }
      trying {
        let normalised = normaliser.userPatch(json)
        guard let partial = Patch(deactivating: normalised, schema: schemas.user, isStrict: profile == .strict) else { return }
        let disabled = try Patch(JSON(parsing: partial.json())).partiallyApplied(to: user, schemas: schemas).document
        check(disabled: disabled)
      }
      trying {
        let patch = try Patch(normaliser.groupPatch(json).json)
        _ = patch.mentionedMemberEdits
        _ = try patch.applied(to: group, schemas: schemas)
      }
    }
  }

  /// Checks that a user is disabled and valid after a write that disables the user, whatever else the write contains.
  static func check(disabled user: UserDocument) {
    precondition(!user.active, "a disabled user is not active")
    do {
      let read = try UserDocument(JSON(parsing: user.json()), schemas: schemas)
      precondition(read == user, "a disabled user is canonical")
    } catch {
      preconditionFailure("a disabled user is not valid: \(error)")
    }
  }
}
