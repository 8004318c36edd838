import Foundation
import Models
import SCIM
import Testing

@testable import IdentityStore

@Suite("The last active admin")
struct LastAdminTests {
  private static let holding = ChangeGuard(holdsLastAdmin: true, notify: "admin@example.com")

  /// A workspace with these admins, who are active, and a viewer.
  private struct Administered {
    var fixture: Fixture
    var admins: [ResourceID] = []
    var viewer: ResourceID

    init(admins count: Int = 1, changeGuard: ChangeGuard? = nil, others: Bool = false) {
      fixture = Fixture(changeGuard: changeGuard)
      fixture.decider.state.loadOtherAdmins(exist: others, in: Fixture.workspace)
      viewer = fixture.createUser(#"{"userName":"viewer@example.com"}"#).id
      for number in 0..<count {
        let admin = fixture.createUser(#"{"userName":"admin-\#(number)@example.com","secodaRole":"Admin"}"#).id
        signIn(admin)
        admins.append(admin)
      }
    }

    mutating func signIn(_ user: ResourceID) {
      fixture.decide(
        .promoteUser(SignIn(workspace: Fixture.workspace, email: nil, user: user.user, signedInAt: Fixture.start)), on: user)
    }

    /// A change that takes the access or the role of a user.
    mutating func apply(_ change: Change, to user: ResourceID) -> Reply.Outcome {
      switch change {
      case .disable: return fixture.set("active", to: "false", of: user)
      case .delete: return fixture.decide(.deleteUser, on: user)
      case .changeRole: return fixture.set("secodaRole", to: #""editor""#, of: user)
      case .replaceWithoutRole:
        let name = fixture.user(user)?.userName ?? ""
        return fixture.decide(.replaceUser(document: Fixture.user(#"{"userName":"\#(name)"}"#)), on: user)
      }
    }
  }

  enum Change: CaseIterable {
    case disable, delete, changeRole, replaceWithoutRole
  }

  @Test("Whatever takes the last active admin's role or access is applied and reported once", arguments: Change.allCases)
  func reported(change: Change) {
    var workspace = Administered(admins: 2)
    #expect(workspace.apply(change, to: workspace.admins[0]).status / 100 == 2)
    #expect(workspace.fixture.alerts.isEmpty)
    #expect(workspace.apply(change, to: workspace.admins[1]).status / 100 == 2)
    #expect(workspace.fixture.alerts.map(\.kind) == [.noActiveAdmin])
    #expect(workspace.fixture.alerts.first?.user == workspace.admins[1].user)
    _ = workspace.apply(change, to: workspace.viewer)
    #expect(workspace.fixture.alerts.count == 1)
  }

  @Test("Nothing is reported while another admin is active, also one that the batch has not loaded", arguments: Change.allCases)
  func others(change: Change) {
    var workspace = Administered(changeGuard: Self.holding, others: true)
    #expect(workspace.apply(change, to: workspace.admins[0]).status / 100 == 2)
    #expect(workspace.fixture.alerts.isEmpty && workspace.fixture.notices.isEmpty)
  }

  @Test("An admin who has not signed in does not count")
  func invitedAdmin() {
    var workspace = Administered()
    let invited = workspace.fixture.createUser(#"{"userName":"invited@example.com","secodaRole":"admin"}"#).id
    #expect(workspace.apply(.disable, to: invited).status == 200)
    #expect(workspace.fixture.alerts.isEmpty)
    #expect(workspace.fixture.set("active", to: "true", of: invited).status == 200)
    #expect(workspace.apply(.disable, to: workspace.admins[0]).status == 200)
    #expect(workspace.fixture.alerts.count == 1)
  }

  @Test("With the guard the change is held, and applied and reported when an admin approves it", arguments: Change.allCases)
  func held(change: Change) {
    var workspace = Administered(changeGuard: Self.holding)
    let admin = workspace.admins[0]
    #expect(workspace.apply(change, to: admin).status / 100 == 2)
    #expect(workspace.fixture.user(admin)?.state == .active)
    #expect(workspace.fixture.user(admin)?.role == "admin")
    #expect(workspace.fixture.notices.count == 1)
    #expect(workspace.fixture.alerts.isEmpty)
    _ = workspace.apply(change, to: admin)
    #expect(workspace.fixture.notices.count == 1, "a repetition is the same change")

    #expect(workspace.fixture.decideHeld(.approve, on: admin).status == 204)
    switch change {
    case .disable: #expect(workspace.fixture.user(admin)?.state == .disabled)
    case .delete: #expect(workspace.fixture.user(admin) == nil)
    case .changeRole: #expect(workspace.fixture.user(admin)?.role == "editor")
    case .replaceWithoutRole: #expect(workspace.fixture.user(admin)?.role == "viewer")
    }
    #expect(workspace.fixture.alerts.map(\.kind) == [.noActiveAdmin])
  }

  @Test("A held role leaves everything else of the request applied, and other PATCHes do not end it")
  func heldRole() throws {
    var workspace = Administered(changeGuard: Self.holding)
    let admin = workspace.admins[0]
    let patch = workspace.fixture.patch(#"{"op":"replace","value":{"secodaRole":"editor","displayName":"Ana"}}"#)
    #expect(workspace.fixture.decide(.patchUser(patch: patch), on: admin).status == 200)
    #expect(workspace.fixture.user(admin)?.displayName == "Ana")
    let document = try #require(workspace.fixture.user(admin)?.document)
    #expect(String(decoding: document, as: UTF8.self).contains(#""secodaRole":"Admin""#))
    workspace.fixture.set("displayName", to: #""Ana Lopez""#, of: admin)
    #expect(workspace.fixture.held(admin)?.kind == .roleChanged)
    #expect(workspace.fixture.decideHeld(.approve, on: admin).status == 204)
    #expect(workspace.fixture.user(admin)?.role == "editor")
    #expect(workspace.fixture.user(admin)?.displayName == "Ana Lopez")
  }

  @Test("A rejected role stays rejected; another role, or the role admin, is a different request")
  func rejectedRole() {
    var workspace = Administered(changeGuard: Self.holding)
    let admin = workspace.admins[0]
    _ = workspace.apply(.changeRole, to: admin)
    #expect(workspace.fixture.decideHeld(.reject, on: admin).status == 204)
    _ = workspace.apply(.changeRole, to: admin)
    #expect(workspace.fixture.held(admin)?.status == .rejected && workspace.fixture.notices.count == 1)
    workspace.fixture.set("secodaRole", to: #""viewer""#, of: admin)
    #expect(workspace.fixture.held(admin)?.status == .pending && workspace.fixture.notices.count == 2)
    workspace.fixture.set("secodaRole", to: #""admin""#, of: admin)
    #expect(workspace.fixture.held(admin) == nil)
    #expect(workspace.fixture.user(admin)?.role == "admin")
  }

  @Test("A deactivation replaces a held role, and keeps the role while it waits")
  func disabledAfterRole() {
    var workspace = Administered(changeGuard: Self.holding)
    let admin = workspace.admins[0]
    _ = workspace.apply(.changeRole, to: admin)
    let put = Fixture.user(#"{"userName":"admin-0@example.com","active":false,"secodaRole":"viewer"}"#)
    #expect(workspace.fixture.decide(.replaceUser(document: put), on: admin).status == 200)
    #expect(workspace.fixture.held(admin)?.kind == .userDisabled)
    #expect(workspace.fixture.user(admin)?.role == "admin")
    #expect(workspace.fixture.user(admin)?.state == .active)
    #expect(workspace.fixture.decideHeld(.approve, on: admin).status == 204)
    #expect(workspace.fixture.user(admin)?.state == .disabled)
    #expect(workspace.fixture.alerts.count == 1)
  }

  @Test("A second admin releases nothing by itself, but the next change of the first is applied")
  func secondAdmin() {
    var workspace = Administered(changeGuard: Self.holding)
    let admin = workspace.admins[0]
    _ = workspace.apply(.changeRole, to: admin)
    workspace.fixture.set("secodaRole", to: #""admin""#, of: workspace.viewer)
    workspace.signIn(workspace.viewer)
    #expect(workspace.fixture.user(admin)?.role == "admin")
    _ = workspace.apply(.changeRole, to: admin)
    #expect(workspace.fixture.user(admin)?.role == "editor")
    #expect(workspace.fixture.held(admin) == nil)
    #expect(workspace.fixture.alerts.isEmpty)
  }
}
