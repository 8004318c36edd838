/// Bodies of PATCH: normalised, read, applied, and the result is valid.
extension Fuzz {
  static func patch(_ bytes: UnsafeBufferPointer<UInt8>) {
    guard let json = parsed(Array(bytes)) else { return }
    for profile in ConnectionProfile.allCases {
      let normaliser = Normaliser(profile: profile, userAgent: nil, schemas: schemas)
      trying {
        let normalised = normaliser.userPatch(json)
        let patch = try Patch(normalised)
        let read = try Patch(normalised.json)
        precondition(read == patch, "paths that were read for the normalisation are those of the message")
        let again = try Patch(JSON(parsing: patch.json()))
        precondition(again == patch, "a PATCH that travels in a command is read as it was")
        try patch.check(against: schemas.user)
        _ = patch.mentionedNames
        let changed = try patch.applied(to: user, schemas: schemas)
        let valid = try UserDocument(JSON(parsing: changed.json()), schemas: schemas)
        precondition(valid == changed, "what a PATCH makes of a user is valid")
      }
      // How long it may take is libFuzzer's to say: the budget has to end what takes longer. Once, since the budget is the same for all.
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
        let disabled = try Patch(JSON(parsing: partial.json())).appliedAsFarAsPossible(to: user, schemas: schemas).document
        check(disabled: disabled)
      }
      trying {
        let patch = try Patch(normaliser.groupPatch(json).json)
        _ = patch.mentionedMemberEdits
        _ = try patch.applied(to: group, schemas: schemas)
      }
    }
  }

  /// A write that disables a user leaves one that is valid and disabled, whatever else it holds.
  static func check(disabled user: UserDocument) {
    precondition(!user.active, "a user who is disabled is not active")
    do {
      let read = try UserDocument(JSON(parsing: user.json()), schemas: schemas)
      precondition(read == user, "a user who is disabled is canonical")
    } catch {
      preconditionFailure("a user who is disabled is not valid: \(error)")
    }
  }
}
