import Postgres

/// The migrations of the suite's schemas.
///
/// The SQL files in the folders of this target are embedded in the build. Each is listed here once; a file that has been applied never
/// changes. (SwiftPM derives the constant's name from the file's, and replaces its first character with an underscore.)
public enum SchemaMigrations {
  /// Migrations of the schema `identity`, which identity-store owns.
  public static let identity = [
    migration("identity", 1, "identity", PackageResources._01_identity_sql),
    migration("identity", 2, "queries", PackageResources._02_queries_sql),
    migration("identity", 3, "totals", PackageResources._03_totals_sql),
    migration("identity", 4, "credentials", PackageResources._04_credentials_sql),
    migration("identity", 5, "provisioning-log", PackageResources._05_provisioning_log_sql),
    migration("identity", 6, "restatement", PackageResources._06_restatement_sql),
    migration("identity", 7, "held-changes", PackageResources._07_held_changes_sql),
    migration("identity", 8, "row-security", PackageResources._08_row_security_sql),
    migration("identity", 9, "console-sessions", PackageResources._09_console_sessions_sql),
    migration("identity", 10, "members-page", PackageResources._10_members_page_sql),
    migration("identity", 11, "provisioning-pages", PackageResources._11_provisioning_pages_sql),
    migration("identity", 12, "cheaper-writes", PackageResources._12_cheaper_writes_sql),
    migration("identity", 13, "comparison-keys", PackageResources._13_comparison_keys_sql),
    migration("identity", 14, "names-and-departures", PackageResources._14_names_and_departures_sql),
    migration("identity", 15, "unverified-senders", PackageResources._15_unverified_senders_sql),
    migration("identity", 16, "dead-letters", PackageResources._16_dead_letters_sql),
    migration("identity", 17, "rebuilds", PackageResources._17_rebuilds_sql),
    migration("identity", 18, "early-sign-ins", PackageResources._18_early_sign_ins_sql),
    migration("identity", 19, "recorded-replies", PackageResources._19_recorded_replies_sql),
    migration("identity", 20, "cheaper-updates", PackageResources._20_cheaper_updates_sql),
    migration("identity", 21, "outbox-partitions", PackageResources._21_outbox_partitions_sql),
    migration("identity", 22, "webhooks", PackageResources._22_webhooks_sql),
    migration("identity", 23, "deployment-tokens", PackageResources._23_deployment_tokens_sql),
    migration("identity", 24, "accounts", PackageResources._24_accounts_sql),
    migration("identity", 25, "limits", PackageResources._25_limits_sql),
    migration("identity", 26, "erasures", PackageResources._26_erasures_sql),
    migration("identity", 27, "workspace-deletion", PackageResources._27_workspace_deletion_sql),
    migration("identity", 28, "busiest-workspaces", PackageResources._28_busiest_workspaces_sql),
    migration("identity", 29, "workspace-imports", PackageResources._29_workspace_imports_sql),
  ]

  /// Migrations of the schema `mailer`, which invitation-mailer owns.
  public static let mailer = [
    migration("mailer", 1, "mailer", PackageResources._01_mailer_sql),
    migration("mailer", 2, "life", PackageResources._02_life_sql),
    migration("mailer", 3, "row-security", PackageResources._03_mailer_row_security_sql),
    migration("mailer", 4, "notices", PackageResources._04_notices_sql),
    migration("mailer", 5, "sign-ins", PackageResources._05_sign_ins_sql),
    migration("mailer", 6, "states-told-together", PackageResources._06_states_told_together_sql),
    migration("mailer", 7, "held-group-deletions", PackageResources._07_held_group_deletions_sql),
    migration("mailer", 8, "dead-letters", PackageResources._08_dead_letters_sql),
    migration("mailer", 9, "skipped-messages", PackageResources._09_skipped_messages_sql),
    migration("mailer", 10, "outbox-partitions", PackageResources._10_outbox_partitions_sql),
    migration("mailer", 11, "fewer-writes", PackageResources._11_fewer_writes_sql),
    migration("mailer", 12, "alerts", PackageResources._12_alerts_sql),
    migration("mailer", 13, "held-kinds", PackageResources._13_held_kinds_sql),
    migration("mailer", 14, "erasures", PackageResources._14_mailer_erasures_sql),
    migration("mailer", 15, "outbox-state", PackageResources._15_mailer_outbox_state_sql),
  ]

  /// Migrations of the schema `directory`, which group-sync owns.
  public static let directory = [
    migration("directory", 1, "directory", PackageResources._01_directory_sql),
    migration("directory", 2, "standings", PackageResources._02_standings_sql),
    migration("directory", 3, "row-security", PackageResources._03_directory_row_security_sql),
    migration("directory", 4, "group-counts", PackageResources._04_group_counts_sql),
    migration("directory", 5, "group-names", PackageResources._05_group_names_sql),
    migration("directory", 6, "dead-letters", PackageResources._06_dead_letters_sql),
    migration("directory", 7, "skipped-messages", PackageResources._07_skipped_messages_sql),
    migration("directory", 8, "status", PackageResources._08_status_sql),
    migration("directory", 9, "outbox-partitions", PackageResources._09_outbox_partitions_sql),
    migration("directory", 10, "load", PackageResources._10_load_sql),
    migration("directory", 11, "event-log", PackageResources._11_event_log_sql),
    migration("directory", 12, "event-feed", PackageResources._12_event_feed_sql),
    migration("directory", 13, "webhooks", PackageResources._13_webhooks_sql),
    migration("directory", 14, "erasures", PackageResources._14_directory_erasures_sql),
    migration("directory", 15, "outbox-state", PackageResources._15_directory_outbox_state_sql),
  ]

  /// All migrations, in the order in which they are applied.
  public static let all = identity + mailer + directory

  private static func migration(_ schema: String, _ number: Int, _ name: String, _ sql: [UInt8]) -> Migration {
    Migration(schema: schema, number: number, name: name, sql: String(decoding: sql, as: UTF8.self))
  }
}
