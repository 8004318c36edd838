import Crypto
import Foundation
import Models
import Primitives
import SCIM
import SCIMStorage
import Testing

@testable import EdgeHTTP
@testable import ManagementAPI

@Suite("The file of a workspace")
struct WorkspaceFileTests {
  private static let time = "2026-01-31T08:00:00.000Z"
  private static func id(_ number: Int) -> String {
    "00000000-0000-7000-8000-\(String(repeating: "0", count: 12 - "\(number)".count))\(number)"
  }

  private static func settings(_ more: String = "") -> String {
    #"{"slug":"acme","name":"Acme","plan":"enterprise","samlSSO":true,"scimEnabled":true,"signInURL":"https://acme.example/","#
      + #""customRoles":["Auditor"],"defaultRole":"viewer","roleAttribute":"secodaRole","connectionProfile":"auto"\#(more)}"#
  }

  private static func workspace(_ more: String = "") -> String {
    #"{"type":"workspace","data":{"id":"\#(id(1))","settings":\#(settings(more)),"createdAt":"\#(time)","modifiedAt":"\#(time)"}}"#
  }

  private static func user(_ number: Int, _ name: String, role: String = "viewer") -> String {
    #"{"type":"user","data":{"id":"\#(id(number))","state":"invited","role":"\#(role)","version":3,"createdAt":"\#(time)","#
      + #""modifiedAt":"\#(time)","resource":{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"userName":"\#(name)"}}}"#
  }

  private static func group(_ number: Int, _ name: String) -> String {
    #"{"type":"group","data":{"id":"\#(id(number))","version":1,"createdAt":"\#(time)","modifiedAt":"\#(time)","#
      + #""resource":{"schemas":["urn:ietf:params:scim:schemas:core:2.0:Group"],"displayName":"\#(name)"}}}"#
  }

  private static func members(_ group: Int, _ user: Int) -> String {
    #"{"type":"members","data":{"group":"\#(id(group))","members":["\#(id(user))"]}}"#
  }

  /// A complete file with these records.
  private static func file(_ records: [String], version: Int = 1) -> [UInt8] {
    let head = #"{"type":"rollcall-workspace","version":\#(version),"id":"\#(id(1))","slug":"acme","exportedAt":"\#(time)"}"#
    let body = Array(([head] + records).map { $0 + "\n" }.joined().utf8)
    let end = #"{"type":"end","lines":\#(records.count + 1),"counts":{},"sha256":"\#(Hex.encode(SHA256.hash(data: body)))"}"#
    return body + Array((end + "\n").utf8)
  }

  private static func read(_ bytes: [UInt8], _ options: WorkspaceFile.Options = .init()) -> WorkspaceFile {
    var file = WorkspaceFile(importID: .made(at: Date(timeIntervalSince1970: 0)), options: options)
    // In pieces, as it arrives.
    for start in stride(from: 0, to: bytes.count, by: 101) { file.append(bytes[start..<min(start + 101, bytes.count)]) }
    file.finish()
    return file
  }

  /// The errors, as `line: detail`.
  private static func errors(_ bytes: [UInt8], _ options: WorkspaceFile.Options = .init()) -> [String] {
    read(bytes, options).errors.map { item in
      guard case .line(let line) = item.place else { return item.detail }
      return "\(line): \(item.detail)"
    }
  }

  @Test("A complete file has the workspace first, and parts that cover its records")
  func complete() throws {
    let records =
      [Self.workspace()] + (2...700).map { Self.user($0, "user-\($0)@acme.example") } + [Self.group(800, "Data"), Self.members(800, 2)]
    var file = Self.read(Self.file(records))
    #expect(file.errors.isEmpty, "\(file.errors)")
    #expect(file.count == records.count + 2 && file.counts[.user] == 699 && file.counts[.members] == 1)
    #expect(file.workspace == WorkspaceID(Self.id(1)) && file.slug == "acme")
    var parts: [WorkspaceImportPart] = []
    while let part = file.takePart() { parts.append(part) }
    #expect(parts.count == 2 && file.partCount == 2 && parts.map(\.number) == [1, 2])
    #expect(parts.map(\.firstLine) == [2, 2 + WorkspaceImportPart.maximumLines])
    #expect(parts.flatMap(\.lines).dropFirst() == records[1...])
    #expect(parts[0].lines[0].contains(#""type":"workspace""#))
  }

  @Test("A truncated or changed file is refused")
  func integrity() {
    let bytes = Self.file([Self.workspace(), Self.user(2, "ana@acme.example"), Self.user(3, "ben@acme.example")])
    let lines = bytes.split(separator: UInt8(ascii: "\n")).map { Array($0) + [UInt8(ascii: "\n")] }
    #expect(Self.errors(Array(lines.dropLast().joined())).contains { $0.contains("truncated") })
    #expect(
      Self.errors(Array(lines.enumerated().filter { $0.offset != 3 }.map(\.element).joined())).contains { $0.contains("had 4 lines") })
    let changed = String(decoding: bytes, as: UTF8.self).replacing("ana@", with: "eve@")
    #expect(Self.errors(Array(changed.utf8)).contains { $0.hasPrefix("5: The checksum") })
    #expect(Self.errors(bytes + Array("{}\n".utf8)).contains { $0.contains("goes on") })
    #expect(Self.errors(bytes + Array(" \n".utf8)).isEmpty)
    #expect(Self.errors([]).contains { $0.contains("truncated") })
    #expect(Self.errors(Self.file([Self.workspace()], version: 2)).first?.contains("version 2") == true)
    #expect(Self.errors(Array("userName\nana\n".utf8)).first?.hasPrefix("1: The line is not JSON") == true)
  }

  @Test(
    "A record that does not fit is an error of its line, and nothing of the file is stored",
    arguments: [
      ([user(2, "ana@a.example"), user(2, "ben@a.example")], "4: Line 3 has the id, too."),
      ([user(2, "ana@a.example"), user(3, "ANA@a.example")], "4: Line 3 has the userName, too."),
      ([group(2, "Data"), group(3, "data")], "4: Line 3 has the displayName, too."),
      ([user(2, "ana@a.example", role: "Owner")], "3: The role 'Owner'"),
      ([group(2, "Data"), members(2, 9)], "4: The member \(id(9))"),
      ([user(2, "ana@a.example"), members(7, 2)], "4: The group \(id(7))"),
      ([group(2, "Data"), user(3, "ana@a.example")], "4: A user comes after a group"),
      ([workspace()], "3: The workspace must be line 2"),
    ])
  func records(_ records: [String], _ expected: String) {
    var file = Self.read(Self.file([Self.workspace()] + records))
    let errors = Self.errors(Self.file([Self.workspace()] + records))
    #expect(errors.count == 1 && errors.first?.hasPrefix(expected) == true, "\(errors)")
    #expect(file.takePart() == nil)
  }

  @Test("Domains wait for their verification unless the operator asserts them; slug and id can be replaced")
  func options() throws {
    let token = "abcdefghijklmnop"
    let domains =
      #","mailDomains":[{"domain":"acme.example","verification":{"method":"dns","token":"\#(token)"},"verifiedAt":"\#(Self.time)"},"#
      + #"{"domain":"acme.test","verification":{"method":"operator"},"verifiedAt":"\#(Self.time)"}]"#
    func imported(_ options: WorkspaceFile.Options, _ more: String = "") throws -> WorkspaceRecordLine.WorkspaceContent {
      var file = Self.read(Self.file([Self.workspace(domains + more)]), options)
      let line = try #require(file.takePart()?.lines.first, "\(file.errors)")
      guard case .workspace(let content) = try WorkspaceRecordLine(line: Array(line.utf8)) else { throw WorkspaceLineError(line) }
      return content
    }
    let pending = try imported(.init())
    #expect(pending.settings.verifiedDomains.isEmpty && pending.settings.mailDomains.first?.verification == .dns(token: token))
    #expect(pending.settings.mailDomains.last?.recordText != nil)
    let other = WorkspaceID.made(at: Date())
    let asserted = try imported(.init(slug: "globex", assertsDomains: true, id: other))
    #expect(asserted.settings.verifiedDomains == ["acme.example", "acme.test"])
    #expect(asserted.id == other && asserted.settings.slug == "globex" && asserted.settings.customRoles == ["Auditor"])
    // A policy that needs a verified domain.
    let policy = #","otherDomains":"hold""#
    #expect(
      Self.errors(Self.file([Self.workspace(domains + policy)])).first?.hasPrefix("2: The policy for other mail domains is 'hold'") == true)
    #expect(try imported(.init(assertsDomains: true), policy).settings.otherDomains == .hold)
  }
}
