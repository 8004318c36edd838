/// The metrics of all services, by name. `ops/test` checks that the code registers no other ones, and that `ops/docs/observability.md` lists
/// them.
enum MetricCatalogue {
  /// The definition of a metric; nil for an unknown name.
  static func definition(of name: String) -> MetricDefinition? { byName[name] }

  /// All metrics, in the order of the documentation.
  static let all: [MetricDefinition] = [http, pipeline, store, mailer, sync, kafka, postgres, process, traces, ProcessMetrics.definitions]
    .flatMap { $0 }

  private static let byName = Dictionary(all.map { ($0.name, $0) }) { first, _ in first }

  private static let http: [MetricDefinition] = [
    .counter("http_requests_total", "HTTP requests, by API, method, route and status."),
    .histogram("http_request_duration_seconds", "The time from a request's head to its response, by API and method."),
    .gauge("http_requests_in_flight", "HTTP requests that are being processed, including long polls."),
    .counter("http_requests_rejected_total", "HTTP requests that a limit rejected with 429 or 503, by limit."),
    .gauge(
      "rollcall_rate_limit_edges",
      "scim-api processes that share their rate limits with this one, itself included; 0 while their usage does not arrive."),
    .gauge("rollcall_event_requests_waiting", "Requests of the events API that wait for events (long polls)."),
    .counter("rollcall_log_entries_dropped_total", "Entries of the provisioning log that were not stored, by reason."),
  ]

  private static let pipeline: [MetricDefinition] = [
    .histogram(
      "rollcall_push_to_invitation_seconds",
      "The time from the push of a person to the mail server's acceptance of the invitation, without those that a policy delays.",
      PrometheusHistogram.pipelineSeconds),
    .histogram(
      "rollcall_push_to_product_seconds",
      "The time from a change in identity-store until the product can read its event, by way: the event log, or a delivered webhook.",
      PrometheusHistogram.pipelineSeconds),
  ]

  private static let store: [MetricDefinition] = [
    .counter("rollcall_store_commands_total", "Commands that identity-store has executed."),
    .histogram("rollcall_store_batch_seconds", "The time to execute a batch of commands, from its first statement to its replies."),
    .histogram("rollcall_store_batch_commands", "The number of commands in a batch.", PrometheusHistogram.sizes),
    .counter("rollcall_store_batch_retries_total", "Repeated attempts to execute a batch."),
    .counter("rollcall_store_poisoned_commands_total", "Commands that failed by themselves and were dead-lettered."),
    .gauge("rollcall_store_held_changes", "Changes that wait for an administrator's approval."),
    .gauge("rollcall_store_held_changes_oldest_seconds", "The age of the oldest change that waits for approval."),
    .counter("rollcall_log_entries_total", "Entries of the provisioning log that were stored."),
  ]

  private static let mailer: [MetricDefinition] = [
    .counter("rollcall_mailer_invitations_sent_total", "Invitations and reminders that the mail server accepted."),
    .counter("rollcall_mailer_invitations_failed_total", "Invitations that failed and are not retried."),
    .counter("rollcall_mailer_invitations_bounced_total", "Invitations whose recipient the mail server rejected."),
    .counter("rollcall_mailer_invitations_retried_total", "Invitations that the mail server rejected temporarily."),
    .counter("rollcall_mailer_invitations_in_doubt_total", "Mails that may have been sent twice, because the mailer ended while sending."),
    .gauge("rollcall_mailer_invitations_pending", "Mails that are due and not sent yet."),
    .gauge("rollcall_mailer_invitations_oldest_seconds", "How long the oldest mail has been due, or the mail server unavailable."),
    .counter("rollcall_mailer_notices_sent_total", "Notices and alerts to administrators that the mail server accepted."),
    .counter("rollcall_mailer_notices_failed_total", "Notices and alerts to administrators that failed and are not retried."),
    .histogram("rollcall_mailer_send_seconds", "The time to hand a mail to the mail server."),
    .counter("rollcall_mailer_promotions_total", "Promotions that were requested because of a first sign-in."),
    .counter("rollcall_mailer_sign_ins_of_active_total", "Sign-ins of people who were active already."),
    .counter("rollcall_mailer_dead_letters_total", "Messages that the mailer could not process and dead-lettered."),
  ]

  private static let sync: [MetricDefinition] = [
    .counter("rollcall_sync_events_total", "Identity events that group-sync has applied."),
    .histogram("rollcall_sync_batch_seconds", "The time to apply a batch of events."),
    .histogram("rollcall_sync_batch_events", "The number of events in a batch.", PrometheusHistogram.sizes),
    .counter("rollcall_sync_batch_retries_total", "Repeated attempts to apply a batch."),
    .counter("rollcall_sync_poisoned_events_total", "Events that failed by themselves and were dead-lettered."),
    .counter("rollcall_webhook_deliveries_total", "Webhook requests, by outcome."),
    .histogram("rollcall_webhook_request_seconds", "The response time of the product's webhook endpoints."),
    .gauge("rollcall_webhook_events_pending", "Events that wait to be delivered, over all endpoints."),
    .gauge("rollcall_webhook_oldest_seconds", "The age of the oldest event that waits to be delivered."),
    .counter("rollcall_webhook_events_expired_total", "Events that were deleted from the event log before they were delivered."),
  ]

  private static let kafka: [MetricDefinition] = [
    .counter("kafka_messages_sent_total", "Messages that the brokers have acknowledged."),
    .counter("kafka_messages_failed_total", "Messages that the brokers did not accept."),
    .histogram("kafka_delivery_seconds", "The time until the brokers acknowledge a message."),
    .counter("kafka_producers_replaced_total", "Producers that were replaced after a fatal error."),
    .counter("kafka_messages_received_total", "Messages that were read, by group."),
    .histogram("kafka_batch_messages", "The number of messages in a batch that was read, by group.", PrometheusHistogram.sizes),
    .gauge("kafka_consumer_lag_messages", "Messages that are not committed, by group, topic and partition."),
    .gauge("kafka_consumer_oldest_seconds", "The age of the oldest message that was read and is not committed, by group."),
    .counter("kafka_consumer_offset_resets_total", "Partitions on which a group missed messages, by cause."),
    .counter("kafka_messages_skipped_total", "Messages that were deleted before they were read, by group."),
    .counter("kafka_dead_letters_total", "Messages that a consumer could not process, by where they are kept."),
    .gauge("kafka_topics_missing", "Topics that have disappeared."),
    .gauge("kafka_outbox_messages", "Events in an outbox, including those that were published seconds ago; at most 100,000 are counted."),
    .gauge("kafka_outbox_oldest_seconds", "The age of the oldest event in an outbox."),
    .counter("kafka_outbox_published_total", "Events that were published from an outbox."),
    .counter("kafka_outbox_set_aside_total", "Events that the brokers rejected permanently and that are kept in a table."),
    .histogram("kafka_request_seconds", "The time from a command to its reply."),
    .counter("kafka_requests_unanswered_total", "Commands without a reply by their deadline."),
  ]

  private static let postgres: [MetricDefinition] = [
    .counter("postgres_requests_total", "Statements that were executed."),
    .counter("postgres_errors_total", "Statements that failed."),
    .counter("postgres_pipelines_total", "Round trips; each carries one statement or more."),
    .histogram("postgres_request_duration_seconds", "The time from enqueueing a statement to its result."),
    .histogram("postgres_queue_wait_seconds", "The time that a statement waits before it is sent."),
    .histogram("postgres_borrow_wait_seconds", "The wait for an exclusive connection."),
    .counter("postgres_connect_failures_total", "Failed attempts to connect."),
    .gauge("postgres_connections", "Open connections, by purpose."),
    .gauge("rollcall_partitions_ahead", "How many days after today (UTC) have a partition, by table; negative if today has none."),
    .gauge("rollcall_read_replica_lag_seconds", "How old the state of the read replica is, if scim-api has one."),
    .counter("rollcall_read_replica_queries_total", "Queries of the console that may use the read replica, by outcome."),
  ]

  private static let process: [MetricDefinition] = [
    .gauge("rollcall_build_info", "1, with the service, version and commit of the build as labels."),
    .gauge("rollcall_ready", "1 if the process was ready at the last check, otherwise 0."),
  ]

  private static let traces: [MetricDefinition] = [
    .counter("rollcall_spans_exported_total", "Spans that the collector has accepted."),
    .counter(
      "rollcall_spans_lost_total",
      "Spans that were not exported, by reason: the queue was full, or the collector did not accept them."),
  ]
}
