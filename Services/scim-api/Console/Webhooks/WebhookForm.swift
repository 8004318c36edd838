import Crypto
import EdgeHTTP
import Foundation
import Models

/// The form for a new or changed webhook endpoint.
struct WebhookForm: Sendable, Equatable {
  /// The endpoint.
  var id: WebhookID
  /// What the id of a new endpoint is derived from. It is made with the page, so that submitting the form twice creates one endpoint.
  var seed = ""
  /// The version of the endpoint that the page has shown; nil for a new one.
  var version: Int64?
  var url = ""
  var urlError: String?
  /// The description.
  var note = ""
  var noteError: String?
  /// Whether the endpoint receives all types of events.
  var receivesAll = true
  /// The chosen types.
  var types: Set<String> = []
  var typesError: String?
  /// The error of the whole form.
  var problem: String?

  /// A form for a new endpoint: empty, or as it was submitted.
  ///
  /// Nobody can choose the id: it is a digest of the workspace and the seed, so that it is not that of another workspace's endpoint.
  init(newWith seed: String, in workspace: WorkspaceID, _ form: Form? = nil) {
    var bytes = Array(SHA256.hash(data: Data("console webhook\n\(workspace)\n\(seed)".utf8)).prefix(16))
    // UUID version 8: the bits are those of a hash (RFC 9562 §5.8).
    bytes[6] = bytes[6] & 0x0F | 0x80
    bytes[8] = bytes[8] & 0x3F | 0x80
    let id = WebhookID(bytes: bytes)
    if let form { self.init(id, form) } else { self.init(id) }
    self.seed = seed
    version = nil
  }

  private init(_ id: WebhookID) { self.id = id }

  /// A form with the present values of an endpoint.
  init(_ id: WebhookID, version: Int64, _ subscription: WebhookSubscription) {
    self.id = id
    self.version = version
    url = subscription.url
    note = subscription.description
    receivesAll = subscription.types == nil
    types = Set(subscription.types ?? [])
  }

  /// A submitted form.
  init(_ id: WebhookID, _ form: Form) {
    self.id = id
    version = form["version"].flatMap { Int64($0) }
    url = form["url"] ?? ""
    note = form["note"] ?? ""
    receivesAll = form["receives"] != "some"
    types = Set(form.all("type"))
  }

  /// What the endpoint subscribes to; nil if the input is invalid. Sets the errors then. identity-store checks the URL.
  mutating func subscription() -> WebhookSubscription? {
    if url.isEmpty { urlError = "Enter the URL to which events are posted, such as https://app.example.com/rollcall." }
    if note.utf8.count > TextBounds.name { noteError = "Enter at most \(TextBounds.name) bytes." }
    let known = DirectoryEvent.Kind.allCases.map(\.rawValue).filter(types.contains)
    if !receivesAll, known.isEmpty { typesError = "Choose at least one type, or all types." }
    guard urlError == nil, noteError == nil, typesError == nil else { return nil }
    return WebhookSubscription(url: url, description: note, types: receivesAll ? nil : known)
  }
}

/// The view model of the form for a new or changed endpoint.
struct WebhookFormView: Sendable {
  var isNew: Bool
  var action: String
  var seed: String
  var version: String
  var entered: WebhookForm
  var typeChoices: [TypeChoice]
  var receivesSome: Bool
  var cancelPath: String

  /// A type of event.
  struct TypeChoice: Sendable, Equatable {
    var type: String
    var meaning: String
    var isChecked: Bool
  }

  init(_ form: WebhookForm) {
    isNew = form.version == nil
    action = isNew ? WebhooksController.newPath : "\(WebhooksController.path(of: form.id))/edit"
    seed = form.seed
    version = form.version.map(String.init) ?? ""
    entered = form
    typeChoices = DirectoryEvent.Kind.allCases.map {
      TypeChoice(type: $0.rawValue, meaning: Self.meaning(of: $0), isChecked: form.types.contains($0.rawValue))
    }
    receivesSome = !form.receivesAll
    cancelPath = isNew ? ConsoleSection.webhooks.path : WebhooksController.path(of: form.id)
  }

  private static func meaning(of kind: DirectoryEvent.Kind) -> String {
    switch kind {
    case .memberInvited: "A person was invited."
    case .memberUpdated: "Attributes of a person changed."
    case .memberActivated: "A person signed in for the first time, or was enabled again."
    case .memberDisabled: "A person was disabled."
    case .memberDeleted: "A person was deleted."
    case .memberRoleChanged: "The role of a person changed."
    case .accessRevoked: "The sessions of a person must end now."
    case .groupCreated: "A group was created."
    case .groupUpdated: "The name of a group changed."
    case .groupDeleted: "A group was deleted."
    case .groupMemberAdded: "A person became a visible member of a group."
    case .groupMemberRemoved: "A person is no longer a visible member of a group."
    case .workspaceSeatsWarning: "90 % of the seats are taken."
    case .workspaceSeatsExhausted: "All seats are taken."
    case .workspaceNoActiveAdmin: "There is no active admin any more."
    }
  }
}
