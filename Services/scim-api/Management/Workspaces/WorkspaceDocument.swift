import EdgeHTTP
import EdgeReads
import Foundation
import Models
import SCIM

/// The JSON of a workspace in the management API: its settings, with id, version and times.
///
/// The members are those of `WorkspaceSettings` in its stored form, so a new setting needs nothing here.
struct WorkspaceDocument: Sendable {
  /// The settings in JSON, as a merge patch changes them.
  private(set) var settings: JSONObject

  /// The members that a response has besides the settings. A request may repeat them unchanged.
  static let readOnly = ["id", "version", "createdAt", "modifiedAt", "scim"]
  /// The settings that routes of their own change, and those routes.
  private static let elsewhere = ["mailDomains": "mail-domains"]
  /// The settings that belong to the product's operator: an admin of the workspace cannot change them.
  static let operatorOnly: Set<String> = ["slug", "plan", "samlSSO", "signInURL", "customDomains", "seats"]

  /// The settings of a workspace.
  init(_ settings: WorkspaceSettings) throws {
    self.settings = try Self.object(of: settings)
  }

  /// The settings of a new workspace before the request is applied: `slug`, `name` and `signInURL` are missing.
  static func new() throws -> WorkspaceDocument {
    var document = try WorkspaceDocument(
      WorkspaceSettings(slug: "", name: "", plan: .free, samlSSO: false, scimEnabled: false, signInURL: ""))
    for name in ["slug", "name", "signInURL"] { document.settings.removeMember(name) }
    return document
  }

  /// Applies the body of a request.
  ///
  /// - Parameters:
  ///   - workspace: the stored workspace; nil for a new one.
  ///   - isDeploymentWide: whether the caller may change the settings that belong to the operator.
  /// - Throws: 400 for invalid members, each with its JSON pointer; 403 for settings that the caller may not change.
  func applying(_ patch: JSONObject, to workspace: DetailedWorkspace?, isDeploymentWide: Bool) throws -> WorkspaceSettings {
    var patch = patch
    var errors: [ProblemDetails.Item] = []
    let present = try workspace.map { try Self.response($0) }
    for name in Self.readOnly where patch[name] != nil {
      if patch[name] != present?[name] { errors.append(.init(.member(name), "\(name) cannot be changed. Leave it out.")) }
      patch.removeMember(name)
    }
    for (name, route) in Self.elsewhere where patch[name] != nil && patch[name] != settings[name] {
      errors.append(.init(.member(name), "\(name) is changed with the routes \(ResourcePath.admin)/workspaces/{workspace}/\(route)."))
      patch.removeMember(name)
    }
    var changed = MergePatch.apply(.object(patch), to: .object(withoutReplacedParameters(patch))).object ?? JSONObject()
    Self.complete(&changed, with: patch)
    let decoded = try Self.decode(changed, &errors)
    guard let decoded, errors.isEmpty else { throw ProblemDetails.invalidBody(errors) }
    let unknown = Self.unknown(.object(changed), comparedTo: .object(try Self.object(of: decoded)), at: "")
    guard unknown.isEmpty else { throw ProblemDetails.invalidBody(unknown) }
    if !isDeploymentWide { try checkOperatorOnly(changed) }
    return decoded
  }

  private func checkOperatorOnly(_ changed: JSONObject) throws {
    let forbidden = Self.operatorOnly.sorted().filter { changed[$0] != settings[$0] }
    guard forbidden.isEmpty else {
      throw ProblemDetails(
        403, nil, "A deployment-wide token is needed to change \(forbidden.joined(separator: ", ")). Nothing was changed.",
        errors: forbidden.map { .init(.member($0), "\($0) belongs to the operator of the deployment.") })
    }
  }

  /// The settings without the parameters of the former way of sending, if the patch names another way.
  private func withoutReplacedParameters(_ patch: JSONObject) -> JSONObject {
    guard patch["invitations"]?.object?["sending"] != nil, var invitations = settings["invitations"]?.object else { return settings }
    var result = settings
    invitations.removeMember("delaySeconds")
    invitations.removeMember("digestAddress")
    result["invitations"] = .object(invitations)
    return result
  }

  /// Adds what a merge patch cannot say or may leave out.
  private static func complete(_ changed: inout JSONObject, with patch: JSONObject) {
    // For the expiry of invitations, null means never, and not the default.
    if patch["invitations"]?.object?["expiryDays"] == .null, var invitations = changed["invitations"]?.object {
      invitations["expiryDays"] = .null
      changed["invitations"] = .object(invitations)
    }
    if var changeGuard = changed["changeGuard"]?.object, changeGuard["minimumMembers"] == nil {
      changeGuard["minimumMembers"] = .integer(Int64(ChangeGuard.defaultMinimumMembers))
      changed["changeGuard"] = .object(changeGuard)
    }
  }

  private static func decode(_ object: JSONObject, _ errors: inout [ProblemDetails.Item]) throws -> WorkspaceSettings? {
    do {
      return try JSONData.decoder().decode(WorkspaceSettings.self, from: Data(object.serialized()))
    } catch let error as DecodingError {
      errors.append(ProblemDetails.Item(error))
      return nil
    }
  }

  /// The members that the settings did not take over: nobody knows them, or they do not apply.
  private static func unknown(_ json: JSON, comparedTo known: JSON?, at pointer: String) -> [ProblemDetails.Item] {
    switch json {
    case .object(let object):
      return object.flatMap { member -> [ProblemDetails.Item] in
        let place = pointer + "/" + member.key.replacing("~", with: "~0").replacing("/", with: "~1")
        let value = known?.object?[member.key]
        switch member.value {
        case .null: return []
        // An empty object may be left out in the stored form.
        case .object where value == nil: return unknown(member.value, comparedTo: nil, at: place)
        default:
          guard value != nil else { return [.init(.pointer(place), "\(place) is not known, or does not apply to the other members.")] }
          return unknown(member.value, comparedTo: value, at: place)
        }
      }
    case .array(let elements):
      let knownElements = known?.array ?? []
      return elements.enumerated().flatMap { index, element in
        unknown(element, comparedTo: index < knownElements.count ? knownElements[index] : nil, at: "\(pointer)/\(index)")
      }
    default: return []
    }
  }

  // MARK: Responses

  /// The JSON of a workspace.
  static func response(_ workspace: DetailedWorkspace) throws -> JSONObject {
    var object = try Self.object(of: workspace.settings)
    object["id"] = .string("\(workspace.id)")
    object["version"] = .integer(workspace.version)
    object["createdAt"] = .string(Timestamp.text(workspace.createdAt))
    object["modifiedAt"] = .string(Timestamp.text(workspace.modifiedAt))
    object["scim"] = .object(scim(workspace.settings))
    return object
  }

  /// Whether the workspace can use SCIM, and if not, what is missing.
  static func scim(_ settings: WorkspaceSettings) -> JSONObject {
    let missing: String? =
      switch settings.scimObstacle {
      case nil: nil
      case .plan: "plan"
      case .samlSSO: "samlSSO"
      case .optIn: "scimEnabled"
      }
    var object: JSONObject = ["isAvailable": .bool(missing == nil)]
    object["missing"] = missing.map { .string($0) }
    return object
  }

  private static func object(of settings: WorkspaceSettings) throws -> JSONObject {
    try JSON(parsing: try JSONData.encode(settings)).object ?? JSONObject()
  }
}
