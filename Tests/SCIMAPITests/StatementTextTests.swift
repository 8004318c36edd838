import Foundation
import Models
import Postgres
import SCIM
import SCIMStorage
import TestSupport
import Testing

@testable import AdminConsole
@testable import EdgeHTTP
@testable import EdgeReads
@testable import ProductAPI
@testable import SCIMControllers
@testable import ScimAPI

@Suite("Statements contain no request data")
struct StatementTextTests {
  /// Text that must not occur in a statement, with characters that would end a literal.
  private static let mark = "m4rk"
  private static let texts = ["\(mark)", "\(mark)'; drop table x; --", "\(mark)\\'", "$$\(mark)$$", "\(mark)%_", "/*\(mark)*/"]

  /// Every attribute path of users or groups.
  private static func paths(_ definitions: [AttributeDefinition], prefix: String) -> [String] {
    definitions.flatMap { definition in
      [prefix + definition.name] + definition.subAttributes.map { "\(prefix)\(definition.name).\($0.name)" }
    }
  }

  private static func query(_ kind: ResourceKind, _ filter: Filter?, sortBy: String?, part: ResourceQuery.Part) -> ResourceQuery? {
    let schema = kind == .user ? RandomFilters.user : RandomFilters.group
    var source = ResourceQuery.Source(kind: kind, withRows: true)
    do {
      if let filter { source.filter = try filter.typed(for: schema) }
      if let sortBy { source.sortBy = try schema.sortAttribute(sortBy) }
    } catch {
      // Filters that the schema rejects never become statements.
      return nil
    }
    return ResourceQuery(sources: [source], part: part, base: BaseURL(site: "https://\(mark).example.com"))
  }

  @Test(
    "Filter values, cursor values and the host are parameters, for every attribute", arguments: ResourceKind.allCases
  )
  func values(kind: ResourceKind) throws {
    let schema = kind == .user ? RandomFilters.user : RandomFilters.group
    var paths = Self.paths(schema.core.attributes, prefix: "") + ["id", "externalId", "meta.created", "meta.location", "meta.version"]
    for schemaExtension in schema.extensions { paths += Self.paths(schemaExtension.attributes, prefix: "\(schemaExtension.id):") }
    var seen = 0
    for path in paths {
      for text in Self.texts {
        let literal = String(decoding: JSON.string(text).serialized(), as: UTF8.self)
        var filters = ["eq", "ne", "co", "sw", "ew", "gt", "ge", "lt", "le"].map { "\(path) \($0) \(literal)" }
        if !path.contains(":"), let dot = path.lastIndex(of: ".") {
          filters.append("\(path[..<dot])[\(path[path.index(after: dot)...]) eq \(literal)]")
        }
        for filter in filters {
          let page = ResourceQuery.Part.page(Page(startIndex: 1, count: 10))
          guard let query = Self.query(kind, try Filter(parsing: filter), sortBy: nil, part: page) else { continue }
          seen += 1
          let statement = ListStatement(query, in: .made(at: Date())).statement
          #expect(!statement.sql.contains(Self.mark) && !statement.name.contains(Self.mark), "\(filter)")
        }
        let place = CursorPosition(key: text, kind: kind, id: .made(at: Date()))
        guard let query = Self.query(kind, nil, sortBy: path, part: .from(place, count: 10)) else { continue }
        #expect(!ListStatement(query, in: .made(at: Date())).statement.sql.contains(Self.mark), "sorted by \(path)")
      }
    }
    // Otherwise the test would cover too little.
    #expect(seen > (kind == .user ? 500 : 100), "\(seen)")
  }
}
