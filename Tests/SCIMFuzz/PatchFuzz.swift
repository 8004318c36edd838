/// Bodies of PATCH: normalised, read, applied, and the result is valid.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzz(_ start: UnsafePointer<UInt8>, _ count: Int) -> CInt {
  guard let json = Fuzz.json(start, count) else { return 0 }
  for profile in ConnectionProfile.allCases {
    let normaliser = Normaliser(profile: profile, userAgent: nil, schemas: Fuzz.schemas)
    Fuzz.trying {
      let patch = try Patch(normaliser.userPatch(json).json)
      let again = try Patch(JSON(parsing: patch.json()))
      precondition(again == patch, "a PATCH that travels in a command is read as it was")
      try patch.check(against: Fuzz.schemas.user)
      _ = patch.mentionedNames
      let changed = try patch.applied(to: Fuzz.user, schemas: Fuzz.schemas)
      let read = try UserDocument(JSON(parsing: changed.json()), schemas: Fuzz.schemas)
      precondition(read == changed, "what a PATCH makes of a user is valid")
    }
    Fuzz.trying {
      let patch = try Patch(normaliser.groupPatch(json).json)
      _ = patch.mentionedMemberEdits
      _ = try patch.applied(to: Fuzz.group, schemas: Fuzz.schemas)
    }
  }
  return 0
}
