import Models
import SCIM

extension Decider {
  /// Decides bulk operations that refer to each other in a cycle (RFC 7644 §3.7.1). Either all are applied or none, because one alone would
  /// refer to a resource that does not exist.
  ///
  /// If a POST reuses the record of an existing user, the operations are decided a second time with that user's id.
  mutating func decideTogether(_ commands: [ParsedCommand]) -> [Reply] {
    let recorded = commands.compactMap { state.replies[$0.command.id] }
    guard recorded.count < commands.count else { return recorded }
    var replacements: [ResourceID: ResourceID] = [:]
    // Relinking depends on names only, not on references: the second round finds the same users.
    for _ in 0..<2 {
      var trial = self
      var replies: [Reply] = []
      var relinked: [ResourceID: ResourceID] = [:]
      for parsed in commands {
        let reply = trial.decide(parsed.replacingIDs(replacements))
        let resource = parsed.command.resource
        guard case .refused(let status, _) = reply.outcome else {
          if case .resource(let stored, _) = reply.outcome, stored.id != resource { relinked[resource] = stored.id }
          replies.append(reply)
          continue
        }
        return rejectTogether(commands, because: parsed.command, reply.outcome, status)
      }
      if relinked == replacements {
        self = trial
        return replies
      }
      replacements = relinked
    }
    let error = SCIMError(status: 409, scimType: nil, detail: "The operations refer to each other in a way that cannot be resolved.")
    return commands.map { record(.refused(status: error.status, error: error.body()), of: $0.command) }
  }

  /// Refuses the failed command with its own outcome, and the others because they refer to it.
  private mutating func rejectTogether(
    _ commands: [ParsedCommand], because failed: Command, _ outcome: Reply.Outcome, _ status: Int
  ) -> [Reply] {
    let error = SCIMError.failedReference(failed.resource.description, status: status)
    return commands.map { parsed in
      record(parsed.command.id == failed.id ? outcome : .refused(status: error.status, error: error.body()), of: parsed.command)
    }
  }
}

extension ParsedCommand {
  fileprivate func replacingIDs(_ replacements: [ResourceID: ResourceID]) -> ParsedCommand {
    guard !replacements.isEmpty else { return self }
    var command = command
    command.operation = command.operation.replacingIDs(replacements)
    var parsed = ParsedCommand(command)
    parsed.partition = partition
    return parsed
  }
}
