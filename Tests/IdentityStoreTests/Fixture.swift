import Foundation
import Models
import SCIM

@testable import IdentityStore

/// A decider with one workspace, and builders of commands and documents for the tests of decisions.
struct Fixture {
  static let workspace = WorkspaceID(UUID(uuid: (1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0)))
  static let start = Date(timeIntervalSince1970: 1_700_000_000)

  var decider: Decider
  private var nextID: UInt8 = 1

  init(
    customRoles: [String] = [], defaultRole: String = "viewer", changeGuard: ChangeGuard? = nil,
    seats: SeatLimit? = nil, relink: WorkspaceSettings.RelinkPolicy = .samePerson,
    duplicateGroupNames: WorkspaceSettings.DuplicateGroupNames = .reject
  ) {
    var state = WorkingSet()
    state.load(
      WorkspaceRecord(
        id: Self.workspace,
        settings: WorkspaceSettings(
          slug: "acme", name: "Acme", plan: .enterprise, samlSSO: true, scimEnabled: true, signInURL: "https://acme.example/",
          customRoles: customRoles, defaultRole: defaultRole, changeGuard: changeGuard, seats: seats, relink: relink,
          duplicateGroupNames: duplicateGroupNames),
        version: 1, createdAt: Self.start, modifiedAt: Self.start))
    if seats != nil { state.loadSeats(taken: 0, in: Self.workspace) }
    decider = Decider(state: state, now: Self.start, nameHash: NameHash(key: "test"))
  }

  /// A new id.
  mutating func id() -> ResourceID {
    defer { nextID += 1 }
    return ResourceID(UUID(uuid: (2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, nextID)))
  }

  mutating func command(_ operation: Command.Operation, on resource: ResourceID, expecting versions: [Int64]? = nil, deadline: Date? = nil)
    -> Command
  {
    Command(
      id: CommandID(id().uuid), workspace: Self.workspace, resource: resource, actor: .service("test"), issuedAt: Self.start,
      deadline: deadline, expectedVersions: versions, operation: operation)
  }

  @discardableResult
  mutating func decide(
    _ operation: Command.Operation, on resource: ResourceID, expecting versions: [Int64]? = nil
  ) -> Reply.Outcome {
    decider.decide(ParsedCommand(command(operation, on: resource, expecting: versions))).outcome
  }

  /// Creates a user, and returns the id under which it is stored (an existing one if a record is reused) and the outcome.
  @discardableResult
  mutating func createUser(_ json: String) -> (id: ResourceID, outcome: Reply.Outcome) {
    let new = id()
    let outcome = decide(.createUser(document: Self.user(json)), on: new)
    if case .resource(let stored, _) = outcome { return (stored.id, outcome) }
    return (new, outcome)
  }

  mutating func createGroup(_ name: String, members: [ResourceID] = []) -> (id: ResourceID, outcome: Reply.Outcome) {
    let new = id()
    return (new, decide(.createGroup(document: group(name, members: members)), on: new))
  }

  /// A User resource with the attributes of a JSON object, as scim-api sends it.
  static func user(_ json: String) -> [UInt8] {
    Array(#"{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"#.utf8) + Array(json.utf8.dropFirst())
  }

  func group(_ name: String, members: [ResourceID]) -> [UInt8] {
    let members = members.map { #"{"value":"\#($0)"}"# }.joined(separator: ",")
    return Array(
      #"{"schemas":["urn:ietf:params:scim:schemas:core:2.0:Group"],"displayName":"\#(name)","members":[\#(members)]}"#.utf8)
  }

  func patch(_ operations: String) -> [UInt8] {
    Array(#"{"schemas":["urn:ietf:params:scim:api:messages:2.0:PatchOp"],"Operations":[\#(operations)]}"#.utf8)
  }

  func user(_ id: ResourceID) -> UserRecord? { decider.state.users[ResourceKey(workspace: Self.workspace, id: id)] }
  func groupRecord(_ id: ResourceID) -> GroupRecord? { decider.state.groups[ResourceKey(workspace: Self.workspace, id: id)] }

  func members(of group: ResourceID) -> Set<UserID> {
    let members = decider.state.members[ResourceKey(workspace: Self.workspace, id: group)] ?? GroupMembers()
    return Set(members.changed.filter(\.value).keys).union(members.stored.filter { members.contains($0.key) }.keys)
  }

  /// The published changes of users, oldest first.
  var userChanges: [UserChanged.Change] {
    decider.events.compactMap { if case .userChanged(let event) = $0.event { event.change } else { nil } }
  }

  /// The published alerts, oldest first.
  var alerts: [WorkspaceAlert] {
    decider.events.compactMap { if case .workspaceAlert(let event) = $0.event { event } else { nil } }
  }

  /// The published notices of held changes, oldest first.
  var notices: [ChangeHeld] {
    decider.events.compactMap { if case .changeHeld(let event) = $0.event { event } else { nil } }
  }

  /// The current held change of a resource.
  func held(_ resource: ResourceID) -> HeldChangeRecord? {
    decider.state.heldChanges[ResourceKey(workspace: Self.workspace, id: resource)]
  }

  /// Sets an attribute of a user by PATCH. The value is JSON.
  @discardableResult
  mutating func set(_ attribute: String, to value: String, of user: ResourceID) -> Reply.Outcome {
    decide(.patchUser(patch: patch(#"{"op":"replace","path":"\#(attribute)","value":\#(value)}"#)), on: user)
  }

  var groupChanges: [GroupChanged] {
    decider.events.compactMap { if case .groupChanged(let event) = $0.event { event } else { nil } }
  }
}

extension Reply.Outcome {
  /// The HTTP status of the outcome.
  var status: Int {
    switch self {
    case .resource(_, let created): created ? 201 : 200
    case .done, .signIn: 204
    case .bulk: 207
    case .refused(let status, _): status
    }
  }

  /// The SCIM error as JSON text; empty if there is none.
  var error: String {
    if case .refused(_, let error) = self { String(decoding: error, as: UTF8.self) } else { "" }
  }
}
