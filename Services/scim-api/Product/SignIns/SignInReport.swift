import EdgeHTTP
import EdgeReads
import Foundation
import Models
import SCIM

/// The body of `POST /api/v2/sign-ins`: one sign-in, or several as `signIns`.
struct SignInReport: Sendable {
  /// The maximum number of sign-ins in a body.
  static let maximum = 1000

  private let items: [JSON]
  /// Whether the body has several sign-ins. Then the response has one outcome for each.
  let isBatch: Bool

  /// - Parameter size: the size of the body in bytes.
  /// - Throws: 400 if `signIns` is not a list of 1 to ``maximum`` items; 413 if a single sign-in is too large.
  init(_ body: JSON, size: Int) throws(APIError) {
    guard let list = body.object?["signIns"] else {
      guard size <= BodyReader.maximumEvent else { throw .bodyTooLarge(limit: BodyReader.maximumEvent) }
      items = [body]
      isBatch = false
      return
    }
    guard case .array(let items) = list, (1...Self.maximum).contains(items.count) else {
      throw APIError(400, .invalidValue, "signIns must be a list of 1 to \(Self.maximum) sign-ins, found \(list.summary).")
    }
    guard body.object?["email"] == nil, body.object?["user"] == nil else {
      throw APIError(400, .invalidValue, "The body has 'signIns' and the members of a single sign-in. Send either.")
    }
    self.items = items
    isBatch = true
  }

  /// The sign-ins, in the order of the body. Each may name its workspace if the caller's token is deployment-wide.
  ///
  /// - Throws: `ProblemDetails` or ``APIError`` if one is invalid. That of a batch lists every invalid one.
  func signIns(of caller: Caller, workspaces: NamedWorkspaceCache, at now: Date) async throws -> [SignIn] {
    var signIns: [SignIn] = []
    var errors: [ProblemDetails.Item] = []
    for (index, item) in items.enumerated() {
      do {
        signIns.append(try SignIn(item, in: try await Self.workspace(of: item, caller, workspaces), at: now))
      } catch let error as APIError where isBatch {
        errors.append(ProblemDetails.Item(.pointer("/signIns/\(index)"), error.error.detail))
      } catch let error as ProblemDetails where isBatch {
        errors.append(ProblemDetails.Item(.pointer("/signIns/\(index)"), error.detail))
      }
    }
    guard errors.isEmpty else {
      throw ProblemDetails(
        400, .invalidBody,
        "\(errors.count) of \(items.count) sign-ins are invalid, and none was processed. Correct them and send all again.", errors: errors)
    }
    return signIns
  }

  /// The workspace of a sign-in: the one that it names, or that of the request.
  private static func workspace(of item: JSON, _ caller: Caller, _ workspaces: NamedWorkspaceCache) async throws -> WorkspaceID {
    guard let name = try EventBody(item, with: "'email' or 'user'").text("workspace") else {
      guard caller.workspace != .deployment else {
        throw ProblemDetails(
          400, .workspaceNotNamed,
          """
          The token is deployment-wide, and the sign-in names no workspace. Send 'workspace' with its id or slug, or the header \
          Rollcall-Workspace.
          """)
      }
      return caller.workspace
    }
    guard caller.workspace == .deployment else {
      guard WorkspaceID(name) == caller.workspace || name == caller.settings.slug else {
        throw ProblemDetails(
          403, .otherWorkspace,
          """
          The sign-in names the workspace '\(name.prefix(100))', and the request is about '\(caller.settings.slug)'. Leave 'workspace' out.
          """)
      }
      return caller.workspace
    }
    guard let workspace = try await workspaces.workspace(named: name) else { throw ProblemDetails.unknownWorkspace(name) }
    return workspace.id
  }
}
