/// Bodies of POST and PUT: JSON, normalised, read by the schemas, written, read again.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzz(_ start: UnsafePointer<UInt8>, _ count: Int) -> CInt {
  guard let json = Fuzz.json(start, count) else { return 0 }
  precondition(Fuzz.parsed(json.serialized()) == json, "JSON that was written is read as it was")
  for profile in ConnectionProfile.allCases {
    let normaliser = Normaliser(profile: profile, userAgent: nil, schemas: Fuzz.schemas)
    Fuzz.trying {
      let user = try UserDocument(normaliser.user(json).json, schemas: Fuzz.schemas)
      let open = user.settingActive(user.active).openDocument(id: "7", created: "2026-01-31T08:00:00.000Z")
      let stored = try UserDocument(openDocument: open, schemas: Fuzz.schemas)
      precondition(stored == user.settingActive(user.active), "a stored user is read as it was")
      _ = (user.email, user.role, user.language, user.formattedName)
    }
    Fuzz.trying {
      let group = try GroupDocument(normaliser.group(json).json, schemas: Fuzz.schemas)
      let again = try GroupDocument(JSON(parsing: group.json()), schemas: Fuzz.schemas)
      let isSame = again.attributes == group.attributes && again.members.map(\.value) == group.members.map(\.value)
      precondition(isSame, "a group that travels in a command is read as it was")
    }
    Fuzz.trying { try Fuzz.schemas.user.refuseUnknown(in: json) }
  }
  return 0
}
