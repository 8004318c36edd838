import EdgeHTTP
import EdgeReads
import Models
import Postgres

/// The pages of *Provisioning*, as `{{>provisioningTabs}}` lists them: a page's values have them as `tabs`.
struct ProvisioningTab: Sendable, Equatable {
  var name: String
  var path: String
  var isCurrent: Bool
  /// How many wait there; nil where none does.
  var count: String?

  enum Page: String, CaseIterable, Sendable {
    case log = "Log"
    case health = "Health"
    case drift = "Drift"
    case held = "Held changes"
    case audit = "Audit"

    var path: String {
      switch self {
      case .log: ConsoleSection.provisioning.path
      case .health: "\(ConsoleSection.provisioning.path)/health"
      case .drift: "\(ConsoleSection.provisioning.path)/drift"
      case .held: "\(ConsoleSection.provisioning.path)/held"
      case .audit: "\(Console.path)/audit"
      }
    }
  }

  /// - Parameter waiting: how many held changes wait.
  static func all(on current: Page, waiting: Int) -> [ProvisioningTab] {
    Page.allCases.map { page in
      ProvisioningTab(
        name: page.rawValue, path: page.path, isCurrent: page == current,
        count: page == .held && waiting > 0 ? (waiting > maximumCount ? "\(maximumCount)+" : "\(waiting)") : nil)
    }
  }

  /// The same, with what waits in `workspace`.
  static func all(on current: Page, in workspace: WorkspaceID, of database: Database) async throws -> [ProvisioningTab] {
    let rows = try await database.query(waitingStatement, [.uuid(workspace.uuid), .int(Int64(maximumCount + 1))], in: workspace)
    return all(on: current, waiting: try rows.first?.int(0) ?? 0)
  }

  private static let maximumCount = 99

  private static let waitingStatement = Statement(
    "console_held_waiting",
    """
    select count(*)
    from (
      select
      from identity_read.held_changes
      where workspace_id = $1
      and status = 'pending'
      limit $2
    ) waiting
    """)
}
