/// The `resource` target: parses, normalises and validates POST and PUT bodies, and checks that serialization round-trips.
extension Fuzz {
  static func resource(_ bytes: UnsafeBufferPointer<UInt8>) {
    guard let json = parsed(Array(bytes)) else { return }
    precondition(parsed(json.serialized()) == json, "serialized JSON parses to the same value")
    for profile in ConnectionProfile.allCases {
      let normaliser = Normaliser(profile: profile, userAgent: nil, schemas: schemas)
      trying {
        let user = try UserDocument(normaliser.user(json).json, schemas: schemas)
        let open = user.settingActive(user.active).openDocument(id: "7", created: "2026-01-31T08:00:00.000Z")
        let stored = try UserDocument(openDocument: open, schemas: schemas)
        precondition(stored == user.settingActive(user.active), "a stored user parses to the same user")
        _ = (user.email, user.role, user.language, user.formattedName)
      }
      trying {
        let user = try UserDocument(normaliser.user(enlarged(json)).json, schemas: schemas)
        try user.checkBounds(schemas: schemas)
        checkBounds(of: user)
        let stored = user.settingActive(true).openDocument(id: "7", created: "2026-01-31T08:00:00.000Z")
        // Every stored user can be disabled, whatever the size limits are.
        try user.settingActive(false).checkBounds(replacing: stored, schemas: schemas)
      }
      trying { try GroupDocument(normaliser.group(enlarged(json)).json, schemas: schemas).checkBounds(schemas: schemas) }
      trying {
        let group = try GroupDocument(normaliser.group(json).json, schemas: schemas)
        let again = try GroupDocument(JSON(parsing: group.json()), schemas: schemas)
        let isSame = again.attributes == group.attributes && again.members.map(\.value) == group.members.map(\.value)
        precondition(isSame, "a group serialized in a command parses to the same group")
      }
      trying { try schemas.user.rejectUnknownAttributes(in: json) }
      trying {
        let body = normaliser.user(json).json
        let error = SCIMError.badRequest(.invalidValue, "wrong")
        guard let partial = UserDocument.deactivation(of: body, schemas: schemas, isStrict: profile == .strict, after: error) else {
          return
        }
        check(disabled: user.partiallyReplaced(by: try JSON(parsing: partial), schemas: schemas).document)
      }
    }
  }
}
