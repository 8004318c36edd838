import Foundation
import Models
import SCIM

extension ServerAdministration {
  /// The path of the endpoints of a workspace or of the deployment, or of one of them.
  func webhookPath(_ owner: TokenOwner, _ segments: String...) -> APIPath {
    let segments = ["webhooks"] + segments
    return owner.id == .deployment ? .admin(segments) : .workspace("\(owner.id)", segments)
  }

  /// The endpoints. There are at most 20.
  func webhooks(of owner: TokenOwner) async throws -> [WebhookRow] {
    try await client.list(of: WebhookRow.self, webhookPath(owner), "webhooks").items
  }

  /// The id of the endpoint with an id or its first characters.
  ///
  /// - Throws: ``ScimctlError`` if no id or several ids match.
  func webhookID(_ prefix: IDPrefix, of owner: TokenOwner) async throws -> WebhookID {
    if let id = prefix.uuid { return WebhookID(id) }
    let found = try await webhooks(of: owner).map(\.id).filter { "\($0)".hasPrefix(prefix.text) }
    guard let id = found.first else {
      throw ScimctlError(
        .notFound, "\(owner.title) has no webhook with an id that starts with '\(prefix.text)'. 'scimctl webhook list' shows the ids")
    }
    guard found.count == 1 else {
      throw ScimctlError(
        .usage, "\(owner.title) has \(found.count) webhooks with an id that starts with '\(prefix.text)'. Enter more of the id")
    }
    return id
  }

  /// Sends an order about an endpoint.
  @discardableResult
  func order(
    _ action: String, _ body: JSONObject = [:], for webhook: WebhookID, of owner: TokenOwner
  ) async throws -> ManagementResponse {
    try await client.post(webhookPath(owner, "\(webhook)", action), body)
  }
}
