import Foundation
import Models

/// Changes that wait for approval, as a mail lists them.
package struct HeldChanges: Sendable {
  /// The listed changes, oldest first.
  package var changes: [Change]
  /// The number of affected groups, including those not listed.
  package var groups: Int
  /// The number of people who would lose their access, including those not listed.
  package var people: Int
  /// The number of people who would change in another way, including those not listed.
  package var others: Int

  /// A change that waits for approval.
  package struct Change: Sendable, Hashable {
    /// The id that approves or rejects the change.
    package var id: HeldChangeID
    /// What would change.
    package var kind: HeldChangeKind
    /// The name of the group or the user; nil if it was erased.
    package var name: String?
    /// How many members would leave the group.
    package var leaving: Int
    /// How many members the group has.
    package var members: Int?
    /// When the change was held.
    package var heldAt: Date

    /// Creates a change.
    package init(id: HeldChangeID, kind: HeldChangeKind, name: String?, leaving: Int, members: Int?, heldAt: Date) {
      self.id = id
      self.kind = kind
      self.name = name
      self.leaving = leaving
      self.members = members
      self.heldAt = heldAt
    }
  }

  /// Creates a list of changes.
  package init(changes: [Change], groups: Int, people: Int, others: Int = 0) {
    self.changes = changes
    self.groups = groups
    self.people = people
    self.others = others
  }

  /// The maximum number of groups, of people who would lose their access, and of other people, listed in one mail.
  package static let maximumNamed = 50
}

/// The content of a mail to an administrator about held changes.
package struct HeldChangesNotice: Sendable {
  /// The id of the mail; the Message-ID is derived from it.
  package var id: UUID
  /// The administrator's address.
  package var address: String
  /// The workspace of the changes.
  package var workspace: WorkspaceNotice
  /// The changes.
  package var changes: HeldChanges
  /// How many people may be disabled or deleted within ten minutes without approval.
  package var maximumDeactivations: Int?

  /// Creates the content of the mail.
  package init(id: UUID, address: String, workspace: WorkspaceNotice, changes: HeldChanges, maximumDeactivations: Int?) {
    self.id = id
    self.address = address
    self.workspace = workspace
    self.changes = changes
    self.maximumDeactivations = maximumDeactivations
  }
}

extension WorkspaceNotice {
  /// The link to the console's page of held changes: on the workspace's custom domain, else at the deployment's public URL. Nil if there is
  /// neither: the host of the sign-in URL is the product's and may have no console.
  func heldChangesPage(appURL: String?) -> SignInLink? {
    guard let site = customDomain.map({ "https://\($0)" }) ?? appURL,
      var components = SignInLink(site).flatMap({ URLComponents(string: $0.text) })
    else { return nil }
    components.path = "/console/provisioning/held"
    components.query = nil
    components.fragment = nil
    return components.string.flatMap { SignInLink($0) }
  }
}
