/// The dead letters that nobody has replayed or dropped yet.
struct DeadLetterCheck: Sendable {
  let repository: DeadLetterRepository

  func findings() async throws -> [Finding] {
    Self.findings(try await repository.all())
  }

  /// - Parameter letters: those there are, handled or not.
  static func findings(_ letters: [DeadLetter]) -> [Finding] {
    let open = letters.filter { $0.outcome == nil }
    guard !open.isEmpty else { return [.ok("dead-letters", "none is open")] }
    return DeadLetterRepository.consumers.compactMap { consumer, _ in
      let own = open.filter { $0.consumer == consumer }
      guard let last = own.last else { return nil }
      return .warn(
        "dead-letters", "\(own.count) messages of \(consumer) were set aside and are open; the last one: \(last.error.prefix(200))",
        mend: "scimctl dead-letters list --consumer \(consumer); then ops/runbook.md, Dead letters")
    }
  }
}
