import Foundation
import Models
import Primitives

/// A row of `identity.accounts`: an account of the product.
struct AccountRecord: Sendable, Equatable {
  /// The workspace, and the product's id of the account.
  var key: NameKey
  var email: String
  var externalID: String?
  var state: ImportedAccount.State
  /// The user that is linked to the account.
  var user: UserID?
  var importedAt: Date

  var id: String { key.name }
  var emailKey: NameKey { NameKey(workspace: key.workspace, comparing: email) }
}

extension NameKey {
  /// The key of an account by the product's id, or of its external id; compared as they are.
  static func account(_ id: String, in workspace: WorkspaceID) -> NameKey { NameKey(workspace: workspace, name: id) }
}

/// The loaded accounts of a batch, by their keys.
struct LoadedAccounts: Sendable {
  private var accounts: [NameKey: AccountRecord] = [:]
  private var byEmail: [NameKey: NameKey] = [:]
  private var byExternalID: [NameKey: NameKey] = [:]

  subscript(key: NameKey) -> AccountRecord? { accounts[key] }

  func account(withEmail key: NameKey) -> AccountRecord? { byEmail[key].flatMap { accounts[$0] } }

  /// The account with an external id.
  func account(withExternalID key: NameKey) -> AccountRecord? { byExternalID[key].flatMap { accounts[$0] } }

  /// Adds an account, or replaces the one with its id.
  mutating func insert(_ account: AccountRecord) {
    remove(account.key)
    accounts[account.key] = account
    byEmail[account.emailKey] = account.key
    if let id = account.externalID { byExternalID[.account(id, in: account.key.workspace)] = account.key }
  }

  mutating func remove(_ key: NameKey) {
    guard let former = accounts.removeValue(forKey: key) else { return }
    if byEmail[former.emailKey] == key { byEmail[former.emailKey] = nil }
    if let id = former.externalID.map({ NameKey.account($0, in: key.workspace) }), byExternalID[id] == key { byExternalID[id] = nil }
  }
}
