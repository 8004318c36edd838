import EdgeHTTP
import EdgeReads
import Foundation
import Models

/// What the list of groups shows.
struct GroupsView: Sendable, Equatable {
  var total: String
  var isOne: Bool
  var search: String?
  var groups: [Line]
  /// Nothing was ever pushed.
  var isEmpty: Bool
  /// Nothing is found.
  var isWithoutMatch: Bool
  var pager: Pager?

  struct Line: Sendable, Equatable {
    var path: String
    var name: String
    var counts: Counts?
    var changedAt: String

    struct Counts: Sendable, Equatable {
      var visible: String
      var pending: String
      var held: String
    }
  }

  struct Pager: Sendable, Equatable {
    var first: String?
    var next: String?
  }

  /// - Parameter next: the cursor of the next part.
  init(groups: [ListedGroup], total: Int, search: String?, isFirst: Bool, next: String?) {
    self.total = Self.text(total)
    isOne = total == 1
    self.search = search
    self.groups = groups.map { group in
      Line(
        path: GroupPage.path(of: group.id), name: group.name,
        counts: group.counts.map { Line.Counts(visible: Self.text($0.visible), pending: Self.text($0.pending), held: Self.text($0.held)) },
        changedAt: Timestamp.text(group.modifiedAt))
    }
    isEmpty = groups.isEmpty && search == nil && isFirst
    isWithoutMatch = groups.isEmpty && !isEmpty
    let query = search.map { "q=\(Self.escaped($0))" }
    if !isFirst || next != nil {
      pager = Pager(
        first: isFirst ? nil : Self.path(query),
        next: next.map { Self.path([query, "cursor=\($0)"].compactMap(\.self).joined(separator: "&")) })
    }
  }

  private static func path(_ query: String?) -> String { GroupsPage.path + (query.map { "?\($0)" } ?? "") }

  /// As a value of a URL's query.
  static func escaped(_ text: String) -> String {
    text.addingPercentEncoding(withAllowedCharacters: .alphanumerics) ?? ""
  }

  /// `1,234`
  static func text(_ number: Int) -> String {
    let digits = Array(String(number.magnitude))
    var text = number < 0 ? "-" : ""
    for (index, digit) in digits.enumerated() {
      if index > 0, (digits.count - index).isMultiple(of: 3) { text += "," }
      text.append(digit)
    }
    return text
  }
}
