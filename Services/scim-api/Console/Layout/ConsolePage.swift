import EdgeHTTP
import EdgeReads
import HTTPTypes
import MailTemplates
import Mustache

/// A page before the layout is put around it.
struct ConsolePage: Sendable {
  var title: String
  var section: ConsoleSection
  var status: HTTPResponse.Status = .ok
  let template: ConsoleTemplate
  /// What the template shows; a struct whose properties it names.
  let values: any Sendable
}

/// The parts of the console, as its navigation lists them.
enum ConsoleSection: String, Sendable, CaseIterable {
  case members, groups, provisioning, scim, api

  /// What the navigation calls it.
  var name: String {
    switch self {
    case .members: "Members"
    case .groups: "Groups"
    case .provisioning: "Provisioning"
    case .scim: "Settings › SCIM"
    case .api: "Settings › API"
    }
  }

  var path: String {
    switch self {
    case .members: "\(Console.path)/members"
    case .groups: "\(Console.path)/groups"
    case .provisioning: "\(Console.path)/provisioning"
    case .scim: "\(Console.path)/settings/scim"
    case .api: "\(Console.path)/settings/api"
    }
  }
}

/// The template of a page. In it, what the page shows is at hand by name, and so are `formToken`, `workspace` and `person`.
struct ConsoleTemplate: Sendable {
  private let template: MustacheTemplate

  /// - Throws: where the template cannot be read.
  init(_ bytes: [UInt8]) throws {
    template = try MustacheTemplate(html: "{{#page}}\(String(decoding: bytes, as: UTF8.self)){{/page}}")
  }

  func render(_ frame: Any, library: MustacheLibrary) -> String { template.render(frame, library: library) }
}
