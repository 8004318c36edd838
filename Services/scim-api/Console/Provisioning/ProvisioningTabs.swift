import EdgeHTTP
import EdgeReads
import Models

/// A tab of the section *Provisioning*. View models have the tabs in the property `tabs`, for `{{>provisioningTabs}}`.
struct ProvisioningTab: Sendable, Equatable {
  var name: String
  var path: String
  var isCurrent: Bool
  /// The number of pending held changes; nil if there are none, and for other tabs.
  var count: String?

  /// The pages of the section.
  enum Page: String, CaseIterable, Sendable {
    case log = "Log"
    case health = "Health"
    case drift = "Drift"
    case held = "Held changes"
    case audit = "Audit"

    /// The path of the page.
    var path: String {
      switch self {
      case .log: ConsoleSection.provisioning.path
      case .health: "\(ConsoleSection.provisioning.path)/health"
      case .drift: "\(ConsoleSection.provisioning.path)/drift"
      case .held: "\(ConsoleSection.provisioning.path)/held"
      case .audit: "\(ConsolePath.root)/audit"
      }
    }
  }

  /// All tabs.
  ///
  /// - Parameter pending: the number of pending held changes.
  static func all(on current: Page, pending: Int) -> [ProvisioningTab] {
    Page.allCases.map { page in
      ProvisioningTab(
        name: page.rawValue, path: page.path, isCurrent: page == current,
        count: page == .held && pending > 0 ? (pending > maximumCount ? "\(maximumCount)+" : "\(pending)") : nil)
    }
  }

  /// All tabs, with the number of pending held changes of `workspace`.
  static func all(on current: Page, in workspace: WorkspaceID, of database: Database) async throws -> [ProvisioningTab] {
    all(on: current, pending: try await HeldChangesQuery(database: database).pendingCount(upTo: maximumCount + 1, in: workspace))
  }

  private static let maximumCount = 99
}
