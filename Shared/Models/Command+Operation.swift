// The coding of the operations: one line to encode and one to decode each.
//
// To add a command, define a `Codable` payload, add a case to ``Command/Operation`` and the two lines here. identity-store then needs one
// type that loads and decides it; see `DecidableCommand` there. A test checks that every operation survives the round trip.

extension Command.Operation {
  /// What a command carries as data.
  private enum Payload {
    case json(any Encodable)
    /// A SCIM resource or PatchOp message, sent byte by byte as it was given, or no data.
    case bytes([UInt8])
  }

  private var coding: (name: String, payload: Payload) {
    switch self {
    case .createUser(let document): ("create-user", .bytes(document))
    case .replaceUser(let document): ("replace-user", .bytes(document))
    case .patchUser(let patch): ("patch-user", .bytes(patch))
    case .deleteUser: ("delete-user", .bytes([]))
    case .eraseUser: ("erase-user", .bytes([]))
    case .deleteWorkspace(let deletion): ("delete-workspace", .json(deletion))
    case .restoreWorkspace: ("restore-workspace", .bytes([]))
    case .promoteUser(let signIn): ("promote-user", .json(signIn))
    case .createGroup(let document): ("create-group", .bytes(document))
    case .replaceGroup(let document): ("replace-group", .bytes(document))
    case .patchGroup(let patch): ("patch-group", .bytes(patch))
    case .deleteGroup: ("delete-group", .bytes([]))
    case .bulk(let bulk): ("bulk", .json(bulk))
    case .createWorkspace(let settings): ("create-workspace", .json(settings))
    case .updateWorkspace(let settings): ("update-workspace", .json(settings))
    case .orderInvitation(let order): ("order-invitation", .json(order))
    case .issueToken(let grant): ("issue-token", .json(grant))
    case .revokeToken(let revocation): ("revoke-token", .json(revocation))
    case .decideHeldChange(let decision): ("decide-held-change", .json(decision))
    case .restate(let restatement): ("restate", .json(restatement))
    case .rebuild(let rebuild): ("rebuild", .json(rebuild))
    case .rotateToken(let rotation): ("rotate-token", .json(rotation))
    case .rotateSecret(let rotation): ("rotate-secret", .json(rotation))
    case .recordTokenUses(let uses): ("record-token-uses", .json(uses))
    case .reportMail(let report): ("report-mail", .json(report))
    case .changeMailDomain(let change): ("change-mail-domain", .json(change))
    case .stageAccounts(let staging): ("stage-accounts", .json(staging))
    case .startAccountImport(let start): ("start-account-import", .json(start))
    case .applyAccounts(let chunk): ("apply-accounts", .json(chunk))
    case .stageWorkspace(let part): ("stage-workspace", .json(part))
    case .startWorkspaceImport(let start): ("start-workspace-import", .json(start))
    case .applyWorkspace(let part): ("apply-workspace", .json(part))
    case .linkAccount(let link): ("link-account", .json(link))
    case .unlinkAccount(let unlink): ("unlink-account", .json(unlink))
    case .writeWebhook(let write): ("write-webhook", .json(write))
    case .deleteWebhook(let id): ("delete-webhook", .json(WebhookDeletion(webhook: id)))
    case .disableWebhook(let id, let reason): ("disable-webhook", .json(WebhookDisabling(webhook: id, reason: reason)))
    case .orderWebhook(let order): ("order-webhook", .json(order))
    }
  }

  private typealias Decoder = @Sendable (_ data: [UInt8], _ type: String) throws(MessageError) -> Command.Operation

  /// The decoders by name.
  private static let decoders: [String: Decoder] = [
    "create-user": { data, _ in .createUser(document: data) },
    "replace-user": { data, _ in .replaceUser(document: data) },
    "patch-user": { data, _ in .patchUser(patch: data) },
    "delete-user": { _, _ in .deleteUser },
    "erase-user": { _, _ in .eraseUser },
    "delete-workspace": decoder(Self.deleteWorkspace),
    "restore-workspace": { _, _ in .restoreWorkspace },
    "promote-user": decoder(Self.promoteUser),
    "create-group": { data, _ in .createGroup(document: data) },
    "replace-group": { data, _ in .replaceGroup(document: data) },
    "patch-group": { data, _ in .patchGroup(patch: data) },
    "delete-group": { _, _ in .deleteGroup },
    "bulk": decoder(Self.bulk),
    "create-workspace": decoder(Self.createWorkspace),
    "update-workspace": decoder(Self.updateWorkspace),
    "order-invitation": decoder(Self.orderInvitation),
    "issue-token": decoder(Self.issueToken),
    "revoke-token": decoder(Self.revokeToken),
    "decide-held-change": decoder(Self.decideHeldChange),
    "restate": decoder(Self.restate),
    "rebuild": decoder(Self.rebuild),
    "rotate-token": decoder(Self.rotateToken),
    "rotate-secret": decoder(Self.rotateSecret),
    "record-token-uses": decoder(Self.recordTokenUses),
    "report-mail": decoder(Self.reportMail),
    "change-mail-domain": decoder(Self.changeMailDomain),
    "stage-accounts": decoder(Self.stageAccounts),
    "start-account-import": decoder(Self.startAccountImport),
    "apply-accounts": decoder(Self.applyAccounts),
    "stage-workspace": decoder(Self.stageWorkspace),
    "start-workspace-import": decoder(Self.startWorkspaceImport),
    "apply-workspace": decoder(Self.applyWorkspace),
    "link-account": decoder(Self.linkAccount),
    "unlink-account": decoder(Self.unlinkAccount),
    "write-webhook": decoder(Self.writeWebhook),
    "delete-webhook": decoder { (deletion: WebhookDeletion) in .deleteWebhook(deletion.webhook) },
    "disable-webhook": decoder { (disabling: WebhookDisabling) in .disableWebhook(disabling.webhook, reason: disabling.reason) },
    "order-webhook": decoder(Self.orderWebhook),
  ]

  private static func decoder<Payload: Decodable & Sendable>(_ operation: @escaping @Sendable (Payload) -> Command.Operation) -> Decoder {
    { (data, type) throws(MessageError) in operation(try JSONData.decode(from: data, type: type)) }
  }

  private static let typePrefix = "rollcall.command."
  private static let typeSuffix = ".v1"

  /// The name of the command, such as `create-user`.
  public var name: String { coding.name }

  /// The CloudEvents type, such as `rollcall.command.create-user.v1`.
  public var type: String { Self.typePrefix + name + Self.typeSuffix }

  /// The data of the message: JSON, or nothing.
  func data() throws -> [UInt8] {
    switch coding.payload {
    case .json(let value): try JSONData.encode(value)
    case .bytes(let bytes): bytes
    }
  }

  /// Decodes an operation.
  ///
  /// - Throws: ``MessageError`` if the type is unknown or the data is malformed.
  init(type: String, data: [UInt8]) throws(MessageError) {
    guard type.hasPrefix(Self.typePrefix), type.hasSuffix(Self.typeSuffix),
      let decoder = Self.decoders[String(type.dropFirst(Self.typePrefix.count).dropLast(Self.typeSuffix.count))]
    else { throw .unreadable(type, known: Self.decoders.keys.map { Self.typePrefix + $0 + Self.typeSuffix }) }
    self = try decoder(data, type)
  }
}
