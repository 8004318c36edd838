import Foundation

extension Command {
  /// The message of this command; `source` is the process that produces it.
  public func cloudEvent(source: String) throws -> CloudEvent {
    var extensions = ["workspaceid": workspace.description, "actor": actor.rawValue]
    if let session { extensions["sessionid"] = session.description }
    if let deadline { extensions["deadline"] = Timestamp.text(deadline) }
    if let expectedVersions { extensions["expectedversions"] = expectedVersions.map(String.init).joined(separator: ",") }
    if let replyTo {
      extensions["replypartition"] = String(replyTo.partition)
      extensions["correlationid"] = replyTo.correlationID
    }
    return CloudEvent(
      id: id.description, source: source, type: operation.type, subject: resource.description, time: issuedAt,
      extensions: extensions, traceparent: traceparent, data: try operation.data())
  }

  /// - Throws: ``MessageError`` where the message is not a command.
  public init(_ event: CloudEvent) throws(MessageError) {
    guard let id = CommandID(event.id) else { throw .malformed(attribute: "id", value: event.id) }
    guard let resource = ResourceID(event.subject) else { throw .malformed(attribute: "subject", value: event.subject) }
    var session: TokenID?
    if let text = event.extensions["sessionid"] {
      guard let id = TokenID(text) else { throw .malformed(attribute: "sessionid", value: text) }
      session = id
    }
    var deadline: Date?
    if let text = event.extensions["deadline"] {
      guard let date = Timestamp.date(text) else { throw .malformed(attribute: "deadline", value: text) }
      deadline = date
    }
    var expectedVersions: [Int64]?
    if let text = event.extensions["expectedversions"] {
      let versions = text.split(separator: ",").map { Int64($0) }
      guard !versions.contains(nil) else { throw .malformed(attribute: "expectedversions", value: text) }
      expectedVersions = versions.compactMap { $0 }
    }
    var replyTo: ReplyAddress?
    if let text = event.extensions["replypartition"] {
      guard let partition = Int32(text), partition >= 0 else { throw .malformed(attribute: "replypartition", value: text) }
      replyTo = ReplyAddress(partition: partition, correlationID: try event.required("correlationid"))
    }
    self.init(
      id: id, workspace: try event.requiredID("workspaceid"), resource: resource,
      actor: Actor(rawValue: try event.required("actor")), session: session, issuedAt: event.time, deadline: deadline,
      expectedVersions: expectedVersions, replyTo: replyTo, traceparent: event.traceparent,
      operation: try Operation(type: event.type, data: event.data))
  }
}

extension Command.Operation {
  /// The CloudEvents type.
  public var type: String {
    switch self {
    case .createUser: "rollcall.command.create-user.v1"
    case .replaceUser: "rollcall.command.replace-user.v1"
    case .patchUser: "rollcall.command.patch-user.v1"
    case .deleteUser: "rollcall.command.delete-user.v1"
    case .promoteUser: "rollcall.command.promote-user.v1"
    case .createGroup: "rollcall.command.create-group.v1"
    case .replaceGroup: "rollcall.command.replace-group.v1"
    case .patchGroup: "rollcall.command.patch-group.v1"
    case .deleteGroup: "rollcall.command.delete-group.v1"
    case .bulk: "rollcall.command.bulk.v1"
    case .createWorkspace: "rollcall.command.create-workspace.v1"
    case .updateWorkspace: "rollcall.command.update-workspace.v1"
    case .orderInvitation: "rollcall.command.order-invitation.v1"
    case .issueToken: "rollcall.command.issue-token.v1"
    case .revokeToken: "rollcall.command.revoke-token.v1"
    case .decideHeldChange: "rollcall.command.decide-held-change.v1"
    case .restate: "rollcall.command.restate.v1"
    case .rebuild: "rollcall.command.rebuild.v1"
    case .rotateToken: "rollcall.command.rotate-token.v1"
    case .rotateSecret: "rollcall.command.rotate-secret.v1"
    case .recordTokenUses: "rollcall.command.record-token-uses.v1"
    case .reportMail: "rollcall.command.report-mail.v1"
    }
  }

  func data() throws -> [UInt8] {
    switch self {
    case .createUser(let document), .replaceUser(let document), .createGroup(let document), .replaceGroup(let document): document
    case .patchUser(let patch), .patchGroup(let patch): patch
    case .deleteUser, .deleteGroup: []
    case .bulk(let bulk): try JSONData.encode(bulk)
    case .promoteUser(let signIn): try JSONData.encode(signIn)
    case .createWorkspace(let settings), .updateWorkspace(let settings): try JSONData.encode(settings)
    case .orderInvitation(let order): try JSONData.encode(order)
    case .issueToken(let grant): try JSONData.encode(grant)
    case .revokeToken(let revocation): try JSONData.encode(revocation)
    case .decideHeldChange(let decision): try JSONData.encode(decision)
    case .restate(let restatement): try JSONData.encode(restatement)
    case .rebuild(let rebuild): try JSONData.encode(rebuild)
    case .rotateToken(let rotation): try JSONData.encode(rotation)
    case .rotateSecret(let rotation): try JSONData.encode(rotation)
    case .recordTokenUses(let uses): try JSONData.encode(uses)
    case .reportMail(let report): try JSONData.encode(report)
    }
  }

  init(type: String, data: [UInt8]) throws(MessageError) {
    switch type {
    case "rollcall.command.create-user.v1": self = .createUser(document: data)
    case "rollcall.command.replace-user.v1": self = .replaceUser(document: data)
    case "rollcall.command.patch-user.v1": self = .patchUser(patch: data)
    case "rollcall.command.delete-user.v1": self = .deleteUser
    case "rollcall.command.promote-user.v1": self = .promoteUser(try JSONData.decode(from: data, type: type))
    case "rollcall.command.create-group.v1": self = .createGroup(document: data)
    case "rollcall.command.replace-group.v1": self = .replaceGroup(document: data)
    case "rollcall.command.patch-group.v1": self = .patchGroup(patch: data)
    case "rollcall.command.delete-group.v1": self = .deleteGroup
    case "rollcall.command.bulk.v1": self = .bulk(try JSONData.decode(from: data, type: type))
    case "rollcall.command.create-workspace.v1": self = .createWorkspace(try JSONData.decode(from: data, type: type))
    case "rollcall.command.update-workspace.v1": self = .updateWorkspace(try JSONData.decode(from: data, type: type))
    case "rollcall.command.order-invitation.v1": self = .orderInvitation(try JSONData.decode(from: data, type: type))
    case "rollcall.command.issue-token.v1": self = .issueToken(try JSONData.decode(from: data, type: type))
    case "rollcall.command.revoke-token.v1": self = .revokeToken(try JSONData.decode(from: data, type: type))
    case "rollcall.command.decide-held-change.v1": self = .decideHeldChange(try JSONData.decode(from: data, type: type))
    case "rollcall.command.restate.v1": self = .restate(try JSONData.decode(from: data, type: type))
    case "rollcall.command.rebuild.v1": self = .rebuild(try JSONData.decode(from: data, type: type))
    case "rollcall.command.rotate-token.v1": self = .rotateToken(try JSONData.decode(from: data, type: type))
    case "rollcall.command.rotate-secret.v1": self = .rotateSecret(try JSONData.decode(from: data, type: type))
    case "rollcall.command.record-token-uses.v1": self = .recordTokenUses(try JSONData.decode(from: data, type: type))
    case "rollcall.command.report-mail.v1": self = .reportMail(try JSONData.decode(from: data, type: type))
    default: throw .unknownType(type)
    }
  }
}
