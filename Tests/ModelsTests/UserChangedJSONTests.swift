import Foundation
import Testing

@testable import Models

@Suite("JSON of user events")
struct UserChangedJSONTests {
  private static let time = Date(timeIntervalSince1970: 1_767_225_600.123)

  private static func event(_ user: UserSnapshot, _ change: UserChanged.Change = .created, version: Int64 = 1) -> UserChanged {
    UserChanged(workspace: .made(at: time), user: user, change: change, version: version, changedAt: time)
  }

  private static let full = UserSnapshot(
    id: .made(at: time), state: .active, userName: "ana@example.com", displayName: "Ana López 🎈", givenName: "Ana", familyName: "López",
    email: "ana@example.com", language: "pt-BR", role: "a/b", firstSignedInAt: time, externalID: "00u1", accountID: "4711",
    title: "Engineer", department: "R&D", manager: ManagerReference(value: "26118915", displayName: "Eva"), attributes: [:])

  private static let plain = [
    event(full), event(UserSnapshot(id: .made(at: time), state: .disabled), .deleted, version: 1234),
    event(UserSnapshot(id: .made(at: time), state: .invited, userName: ""), .updated, version: 999_999_999_999_999_999),
  ]

  private static var others: [UserChanged] {
    var restated = event(full, .restated)
    restated.invitation = .init(createdAt: time, missing: .allCases[0])
    var reduced = event(full)
    reduced.omitted = ["userName"]
    let quoted = UserSnapshot(id: .made(at: time), state: .invited, userName: "a\"\\\n\t\u{1}\u{7F}/\u{2028}", displayName: "e\u{301}")
    var extended = full
    extended.attributes = ["urn:example:acme:2.0:User": .object(["floor": .integer(3), "names": .array([.string("a\""), .null])])]
    return [
      restated, reduced, event(quoted), event(extended), event(full, version: .max), event(full, version: 0), event(full, version: -1),
    ]
  }

  @Test("The JSON is that of the encoder, byte by byte, and round-trips", arguments: plain + others)
  func roundTrip(event: UserChanged) throws {
    #expect(try String(decoding: event.json(), as: UTF8.self) == String(decoding: JSONData.encode(event), as: UTF8.self))
    #expect(try UserChanged(json: event.json(), type: "t") == event)
  }

  @Test("The usual events need no decoder", arguments: plain)
  func withoutDecoder(event: UserChanged) throws {
    #expect(try UserChanged(plainJSON: event.json()) == event)
  }

  @Test("Changed JSON is read as the decoder reads it, or is left to the decoder")
  func changed() throws {
    var generator = SystemRandomNumberGenerator()
    for event in Self.plain {
      let json = try event.json()
      for _ in 0..<2000 {
        var changed = json
        let position = Int.random(in: changed.indices, using: &generator)
        switch Int.random(in: 0..<3, using: &generator) {
        case 0: changed[position] = UInt8.random(in: 0...255, using: &generator)
        case 1: changed.remove(at: position)
        default: changed.insert(changed[Int.random(in: changed.indices, using: &generator)], at: position)
        }
        guard let read = UserChanged(plainJSON: changed) else { continue }
        #expect(try JSONData.decode(UserChanged.self, from: changed, type: "t") == read, "\(String(decoding: changed, as: UTF8.self))")
      }
    }
  }

  @Test(
    "An error names the missing or wrong key",
    arguments: [(#""version":1,"#, "", "'version' is missing"), (#""state":"active""#, #""state":1"#, "user.state")])
  func malformed(text: String, replacement: String, expected: String) throws {
    let json = String(decoding: try Self.event(Self.full).json(), as: UTF8.self)
    let changed = json.replacing(text, with: replacement)
    try #require(changed != json)
    let error = #expect(throws: MessageError.self) { try UserChanged(json: Array(changed.utf8), type: "t") }
    #expect("\(try #require(error))".contains(expected))
  }

  @Test("Unknown members, which a later version may add, are ignored")
  func unknown() throws {
    let event = Self.event(Self.full)
    let json = String(decoding: try event.json(), as: UTF8.self).replacing(#"{"change""#, with: #"{"added":[1],"change""#)
    #expect(try UserChanged(json: Array(json.utf8), type: "t") == event)
  }
}
