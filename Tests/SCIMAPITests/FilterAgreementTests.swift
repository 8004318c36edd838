import Foundation
import Models
import NIOCore
import Postgres
import Primitives
import SCIMStorage
import TestSupport
import Testing

@testable import AdminConsole
@testable import EdgeHTTP
@testable import EdgeReads
@testable import ProductAPI
@testable import SCIM
@testable import SCIMControllers
@testable import ScimAPI

@Suite("Filters in memory and in SQL", .timeLimit(.minutes(10)))
struct FilterAgreementTests {
  /// The number of databases, each with 500 filters. A debug build takes a second for ten of them.
  #if DEBUG
    private static let rounds = 6
  #else
    private static let rounds = 20
  #endif

  @Test("Thousands of random filters find the same resources and totals in memory and in the database")
  func agreement() async throws {
    let store = try await StoreBuilder.start()
    var random = RandomFilters(generator: SeededGenerator(seed: 7644))
    var matching = 0
    var trueForSome = 0
    for _ in 0..<Self.rounds {
      let resources = try await store.replaceResources(using: &random)
      for number in 0..<500 {
        let kind: ResourceKind = number % 3 == 0 ? .group : .user
        let schema = kind == .user ? RandomFilters.user : RandomFilters.group
        let text = random.filter(for: schema)
        let filter = try Filter(parsing: text)
        #expect(try Filter(parsing: filter.description) == filter, "\(text)")
        let typed = try filter.typed(for: schema)
        let expected = resources.filter { $0.kind == kind && typed.matches($0.sent) }.map(\.id)
        let query = ResourceQuery(
          sources: [ResourceQuery.Source(kind: kind, filter: typed, withRows: false)], part: .page(Page(startIndex: 1, count: 200)),
          base: StoreBuilder.base)
        let found: FoundResources
        do {
          found = try await DatabaseReads(database: store.database).list(query, in: store.workspace)
        } catch {
          Issue.record("\(text): \(error)")
          continue
        }
        #expect(found.resources.map(\.found.resource.id) == expected, "\(text)")
        #expect(found.total == expected.count, "\(text)")
        matching += expected.count
        if !expected.isEmpty, expected.count < resources.count(where: { $0.kind == kind }) { trueForSome += 1 }
      }
    }
    // Otherwise the test would cover too little.
    #expect(trueForSome > Self.rounds * 200, "\(trueForSome) filters distinguished resources; \(matching) matches")
    await store.close()
  }

  @Test("Every character has the same lowercase mapping in the database and in the services")
  func folding() async throws {
    let store = try await StoreBuilder.start()
    let scalars = (UInt32(1)...0x10FFFF).compactMap(Unicode.Scalar.init)
    for start in stride(from: 0, to: scalars.count, by: 4096) {
      let texts = scalars[start..<min(start + 4096, scalars.count)].map { "a\($0)B" }
      let rows = try await store.reader.query(
        Statement(
          once: "fold", "select identity_read.fold(text) from unnest($1::text[]) with ordinality as t (text, place) order by place"),
        [.textArray(texts)])
      for (text, row) in zip(texts, rows) {
        let folded = try row.string(0)
        if !folded.utf8.elementsEqual(text.lowercased().utf8) { Issue.record("\(text.unicodeScalars.map(\.value)): \(folded)") }
      }
    }
    await store.close()
  }
}

extension FilterAgreementTests {
  @Test("Every character at every position compares equally in the database and in the services")
  func comparisonKeys() async throws {
    let store = try await StoreBuilder.start()
    let statement = Statement(
      once: "keys",
      """
      select identity_read.comparison_key(text), identity_read.folded(text)
      from unnest($1::text[]) with ordinality as t (text, place)
      order by place
      """)
    let scalars = (UInt32(1)...0x10FFFF).compactMap(Unicode.Scalar.init)
    // Planes without characters are sampled.
    let looked = scalars.filter { scalar in
      let value = scalar.value
      return value < 0x20000 || value % 1009 == 0 || (value >= 0xE0000 && value < 0xE0200)
    }
    for start in stride(from: 0, to: looked.count, by: 4096) {
      let texts = looked[start..<min(start + 4096, looked.count)].flatMap { ["\($0)", "a\u{345}\($0)\u{334}\u{301}B"] }
      let rows = try await store.reader.query(statement, [.textArray(texts)])
      for (text, row) in zip(texts, rows) {
        let (key, folded) = (try row.string(0), try row.string(1))
        if !key.utf8.elementsEqual(ComparisonKey(text).text.utf8) || !folded.utf8.elementsEqual(FoldedText.folded(text).utf8) {
          Issue.record("\(text.unicodeScalars.map(\.value)): \(key), \(folded)")
        }
      }
    }
    await store.close()
  }

  @Test("A name is found by eq in every Unicode form, and compared by sw, co and ew with its spaces")
  func forms() async throws {
    let store = try await StoreBuilder.start()
    var random = RandomFilters(generator: SeededGenerator(seed: 15))
    let id = ResourceID.made(at: Date())
    let user: JSONObject = [
      "userName": " Jose\u{301}@example.com\u{200B}", "title": "Cre\u{301}atif ",
      "emails": [["value": "E\u{301}va@example.com"], ["value": " E\u{301}mile@x.example"]],
      "displayName": "E\u{301}milie\u{A0}",
    ]
    try await store.insert(user: user, id: id, using: &random)
    let found = [
      "userName eq \"jos\u{E9}@example.com\"", "userName eq \"JOSE\u{301}@Example.com \"", "title eq \"cr\u{E9}atif\"",
      "emails.value eq \"\u{C9}VA@example.com\"", "emails[value eq \" \u{E9}mile@x.example\u{FEFF}\"]", "displayName eq \"\u{E9}milie\"",
      "userName sw \" jos\u{E9}\"", "userName co \"OSE\u{301}\"", "userName ew \".com\u{200B}\"", "title ew \"atif \"",
      "not (title ne \"CR\u{C9}ATIF\")",
    ]
    let missed = [
      "userName sw \"jos\u{E9}\"", "userName ew \".com\"", "title ew \"atif\"", "userName eq \"jose@example.com\"",
      "title eq \"cr\u{E9}\u{200B}atif\"",
    ]
    for (filters, isFound) in [(found, true), (missed, false)] {
      for text in filters {
        let typed = try Filter(parsing: text).typed(for: RandomFilters.user)
        #expect(typed.matches(user) == isFound, "\(text)")
        let query = ResourceQuery(
          sources: [ResourceQuery.Source(kind: .user, filter: typed, withRows: false)], part: .page(Page(startIndex: 1, count: 10)),
          base: StoreBuilder.base)
        let resources = try await DatabaseReads(database: store.database).list(query, in: store.workspace).resources
        #expect(resources.map(\.found.resource.id) == (isFound ? [id] : []), "\(text)")
      }
    }
    await store.close()
  }
}

/// A resource in the form of a response.
struct SentResource {
  var kind: ResourceKind
  var id: ResourceID
  var sent: JSONObject
}

extension StoreBuilder {
  static let base = BaseURL(site: "https://app.example.com")

  /// Replaces all users, groups and memberships by random ones, and returns them ordered by id.
  func replaceResources(using random: inout RandomFilters, users: Int = 30, groups: Int = 12) async throws -> [SentResource] {
    for table in ["memberships", "users", "groups"] { try await write("delete from identity.\(table)", []) }
    random.ids = (0..<users + groups).map { _ in .made(at: Date(timeIntervalSince1970: 1_767_225_600), using: &random.generator) }
    for (index, id) in random.ids.enumerated() {
      if index < users {
        var attributes = random.attributes(of: RandomFilters.user)
        attributes["userName"] = .string("\(random.text())\(index)")
        attributes["active"] = .bool(random.generator.chance(70))
        try await insert(user: attributes, id: id, using: &random)
      } else {
        var attributes = random.attributes(of: RandomFilters.group)
        attributes["displayName"] = .string("\(random.text())\(index)")
        try await insert(group: attributes, id: id, using: &random)
      }
    }
    for group in random.ids[users...] {
      for user in random.ids[..<users] where random.generator.chance(12) { try await insertMembership(group: group, user: user) }
    }
    var sent: [SentResource] = []
    for kind in ResourceKind.allCases {
      let query = ResourceQuery(
        sources: [ResourceQuery.Source(kind: kind, withRows: true)], part: .page(Page(startIndex: 1, count: 200)), base: Self.base)
      for listed in try await DatabaseReads(database: database).list(query, in: workspace).resources {
        var buffer = ByteBuffer()
        ResourceWriter(kind: kind, base: Self.base).write(listed.found, into: &buffer)
        sent.append(
          SentResource(
            kind: kind, id: listed.found.resource.id,
            sent: try JSON(parsing: Array(buffer.readableBytesView)).object ?? JSONObject()))
      }
    }
    return sent
  }

  /// Writes a user's columns as identity-store does.
  func insert(user attributes: JSONObject, id: ResourceID, using random: inout RandomFilters) async throws {
    let created = random.moment()
    let document = OpenDocument.bytes(attributes, resourceType: "User", id: "\(id)", created: Timestamp.text(created))
    let name = attributes["userName"]?.string ?? ""
    let emails = (attributes["emails"]?.array ?? []).compactMap { $0.object?["value"]?.string }.filter { !$0.isEmpty }
    let emailKey = emails.first.map { ComparisonKey($0).text }
    let others = Set(emails.dropFirst().filter { ComparisonKey($0).text != emailKey }.map { EmailKey.text($0, in: workspace) })
    let displayName = attributes["displayName"]?.string ?? attributes["name"]?.object?["formatted"]?.string
    try await write(
      """
      insert into identity.users
      (workspace_id, id, user_name, user_name_key, user_name_hash, external_id, display_name, email, email_key, other_email_keys, state,
       role, version, created_at, modified_at, document, display_name_key, name_key, keyed_version)
      values ($1, $2, $3, $4, '', $5, $6, $7, $8, $9, $10, 'viewer', $11, $12, $13, $14, $15, coalesce($15, $4), $11)
      """,
      [
        .uuid(workspace.uuid), .uuid(id.uuid), .text(name), .text(ComparisonKey(name).text),
        .optional(attributes["externalId"]?.string, PostgresValue.text),
        .optional(displayName, PostgresValue.text),
        .optional(emails.first, PostgresValue.text), .optional(emailKey, PostgresValue.text),
        others.isEmpty ? .null : .textArray(others.sorted()), .text(attributes["active"] == false ? "disabled" : "invited"),
        .int(random.generator.pick([1, 2])), .timestamp(created), .timestamp(random.moment()),
        .text(String(decoding: document, as: UTF8.self)),
        .optional(displayName.map { String(ComparisonKey($0).text.unicodeScalars.prefix(200)) }, PostgresValue.text),
      ])
  }

  func insert(group attributes: JSONObject, id: ResourceID, using random: inout RandomFilters) async throws {
    let created = random.moment()
    let document = OpenDocument.bytes(attributes, resourceType: "Group", id: "\(id)", created: Timestamp.text(created))
    let name = attributes["displayName"]?.string ?? ""
    try await write(
      """
      insert into identity.groups
      (workspace_id, id, display_name, display_name_key, external_id, version, created_at, modified_at, document)
      values ($1, $2, $3, $4, $5, $6, $7, $8, $9)
      """,
      [
        .uuid(workspace.uuid), .uuid(id.uuid), .text(name), .text(ComparisonKey(name).text),
        .optional(attributes["externalId"]?.string, PostgresValue.text), .int(random.generator.pick([1, 2])), .timestamp(created),
        .timestamp(random.moment()), .text(String(decoding: document, as: UTF8.self)),
      ])
  }
}
