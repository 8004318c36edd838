import EdgeHTTP
import EdgeReads
import Foundation
import Models

/// The view model of the list of groups.
struct GroupsView: Sendable, Equatable {
  var total: String
  /// Whether the total is one.
  var isOne: Bool
  var search: String?
  var groups: [Row]
  /// Whether the workspace has no groups.
  var isEmpty: Bool
  /// Whether the search found nothing.
  var isWithoutMatch: Bool
  var pager: Pager?

  /// A group in the list.
  struct Row: Sendable, Equatable {
    var path: String
    var name: String
    /// nil while the product's directory has not processed the group.
    var counts: Counts?
    var changedAt: String

    /// The members by status.
    struct Counts: Sendable, Equatable {
      var visible: String
      var pending: String
      var held: String
    }
  }

  /// - Parameter next: the cursor of the next page.
  init(groups: [ListedGroup], total: Int, search: String?, isFirst: Bool, next: String?) {
    self.total = ConsoleText.number(total)
    isOne = total == 1
    self.search = search
    self.groups = groups.map { group in
      Row(
        path: GroupsController.path(of: group.id), name: group.name, counts: group.counts.map(Row.Counts.init),
        changedAt: Timestamp.text(group.modifiedAt))
    }
    isEmpty = groups.isEmpty && search == nil && isFirst
    isWithoutMatch = groups.isEmpty && !isEmpty
    func path(_ cursor: String?) -> String { ConsoleSection.groups.path + ConsoleText.query([("q", search), ("cursor", cursor)]) }
    pager = Pager(ifNeeded: isFirst ? nil : path(nil), next: next.map(path))
  }
}

extension GroupsView.Row.Counts {
  init(_ counts: MembershipStatusCounts) {
    visible = ConsoleText.number(counts.visible)
    pending = ConsoleText.number(counts.pending)
    held = ConsoleText.number(counts.held)
  }
}
