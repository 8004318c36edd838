import EdgeHTTP
import EdgeReads
import HTTPTypes
import MailTemplates
import Mustache

/// The content of a page, without the layout.
struct ConsolePage: Sendable {
  var title: String
  var section: ConsoleSection
  var status: HTTPResponse.Status = .ok
  let template: ConsoleTemplate
  /// The view model: a struct whose properties the template refers to by name.
  let values: any Sendable
}

/// The sections of the console in the navigation.
enum ConsoleSection: String, Sendable, CaseIterable {
  case members, groups, accounts, provisioning, scim, access, api, webhooks

  /// The title in the navigation.
  var name: String {
    switch self {
    case .members: "Members"
    case .groups: "Groups"
    case .accounts: "Accounts"
    case .provisioning: "Provisioning"
    case .scim: "Settings › SCIM"
    case .access: "Settings › Access"
    case .api: "Settings › API"
    case .webhooks: "Settings › Webhooks"
    }
  }

  /// The path of the section's first page.
  var path: String {
    switch self {
    case .members: "\(ConsolePath.root)/members"
    case .groups: "\(ConsolePath.root)/groups"
    case .accounts: "\(ConsolePath.root)/accounts"
    case .provisioning: "\(ConsolePath.root)/provisioning"
    case .scim: "\(ConsolePath.root)/settings/scim"
    case .access: "\(ConsolePath.root)/settings/access"
    case .api: "\(ConsolePath.root)/settings/api"
    case .webhooks: "\(ConsolePath.root)/settings/webhooks"
    }
  }
}

/// The template of a page. It can refer to the properties of the view model, and to `formToken`, `workspace` and `person`.
struct ConsoleTemplate: Sendable {
  private let template: MustacheTemplate

  /// - Throws: an error if the template cannot be parsed.
  init(_ bytes: [UInt8]) throws {
    template = try MustacheTemplate(html: "{{#page}}\(String(decoding: bytes, as: UTF8.self)){{/page}}")
  }

  func render(_ values: Any, library: MustacheLibrary) -> String { template.render(values, library: library) }
}
