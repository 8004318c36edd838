import Foundation
import Models

/// Changes that wait for approval, as a mail tells of them.
package struct HeldChanges: Sendable {
  /// Those that are named, in the order in which they came.
  package var changes: [Change]
  /// How many groups, and how many people, they are of in all.
  package var groups: Int
  package var people: Int

  package struct Change: Sendable, Hashable {
    package var id: HeldChangeID
    package var kind: HeldChangeKind
    /// Of the group or the user; nil where it is not known any more.
    package var name: String?
    package var leaving: Int
    package var members: Int?
    package var heldAt: Date

    package init(id: HeldChangeID, kind: HeldChangeKind, name: String?, leaving: Int, members: Int?, heldAt: Date) {
      self.id = id
      self.kind = kind
      self.name = name
      self.leaving = leaving
      self.members = members
      self.heldAt = heldAt
    }
  }

  package init(changes: [Change], groups: Int, people: Int) {
    self.changes = changes
    self.groups = groups
    self.people = people
  }

  /// The most groups, and the most people, that one mail names.
  package static let maximumNamed = 50
}

/// What a mail to an administrator about held changes has to say.
package struct HeldChangesNotice: Sendable {
  /// Of the mail.
  package var id: UUID
  /// Where it goes.
  package var address: String
  package var workspace: WorkspaceNotice
  package var changes: HeldChanges
  /// How many people may be disabled or deleted within ten minutes before others wait.
  package var maximumDeactivations: Int?

  package init(id: UUID, address: String, workspace: WorkspaceNotice, changes: HeldChanges, maximumDeactivations: Int?) {
    self.id = id
    self.address = address
    self.workspace = workspace
    self.changes = changes
    self.maximumDeactivations = maximumDeactivations
  }
}

extension WorkspaceNotice {
  /// The console's page of held changes: on the workspace's custom domain, else at the deployment's public URL.
  ///
  /// nil where there is neither. The host of the sign-in URL is the product's, where no console need be.
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
