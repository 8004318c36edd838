import Foundation

/// Counts the dead letters that were neither replayed nor dropped.
struct DeadLetterCheck: Sendable {
  let repository: DeadLetterRepository

  /// Reads the dead letters.
  ///
  /// - Throws: `KafkaError`, `PostgresError`.
  func findings() async throws -> [Finding] {
    Self.findings(try await repository.all())
  }

  /// The findings about `letters`, which may be open or handled.
  static func findings(_ letters: [DeadLetter], at now: Date = .now) -> [Finding] {
    let open = letters.filter { $0.outcome == nil }
    guard !open.isEmpty else { return [.ok("dead-letters", "none are open")] }
    return DeadLetterRepository.consumers.compactMap { consumer, _ in
      let own = open.filter { $0.consumer == consumer }
      guard let last = own.last else { return nil }
      let recent = own.count(where: { letter in letter.at.map { now.timeIntervalSince($0) <= 3600 } ?? false })
      return .warn(
        "dead-letters",
        "\(own.count) messages of \(consumer) were set aside and not handled yet, \(recent) of them within the last hour; the last one: "
          + "\(last.error.prefix(200))",
        fix: "scimctl dead-letters list --consumer \(consumer); then see ops/runbook.md, RollcallDeadLetters")
    }
  }
}
