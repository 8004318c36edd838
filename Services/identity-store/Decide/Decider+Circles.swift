import Models
import SCIM

extension Decider {
  /// The replies to operations of a bulk that refer to each other in a circle (RFC 7644 §3.7.1): all are carried out, or none is, for one
  /// alone would refer to what does not exist.
  ///
  /// Where the store answers a create with a user that there was already, the others are decided once more, naming that one.
  mutating func decideTogether(_ commands: [ReadCommand]) -> [Reply] {
    let recorded = commands.compactMap { state.replies[$0.command.id] }
    guard recorded.count < commands.count else { return recorded }
    var chosen: [ResourceID: ResourceID] = [:]
    // Which user comes back is a matter of names, which refer to nobody: the second time it is the same.
    for _ in 0..<2 {
      var trial = self
      var replies: [Reply] = []
      var found: [ResourceID: ResourceID] = [:]
      for read in commands {
        let reply = trial.decide(read.naming(chosen))
        guard case .refused(let status, _) = reply.outcome else {
          if case .resource(let stored, _) = reply.outcome, stored.id != read.command.resource { found[read.command.resource] = stored.id }
          replies.append(reply)
          continue
        }
        return refuseTogether(commands, because: read, reply.outcome, status)
      }
      if found == chosen {
        self = trial
        return replies
      }
      chosen = found
    }
    let error = SCIMError(status: 409, scimType: nil, detail: "The operations refer to each other in a way that cannot be resolved.")
    return commands.map { record(.refused(status: error.status, error: error.body()), of: $0) }
  }

  /// Refuses the culprit with its outcome, and the others for referring to it.
  private mutating func refuseTogether(
    _ commands: [ReadCommand], because culprit: ReadCommand, _ outcome: Reply.Outcome, _ status: Int
  ) -> [Reply] {
    let error = SCIMError.failedReference(culprit.command.resource.description, status: status)
    return commands.map { read in
      record(read.command.id == culprit.command.id ? outcome : .refused(status: error.status, error: error.body()), of: read)
    }
  }
}

extension ReadCommand {
  fileprivate func naming(_ chosen: [ResourceID: ResourceID]) -> ReadCommand {
    guard !chosen.isEmpty else { return self }
    var command = command
    command.operation = command.operation.naming(chosen)
    return ReadCommand(command)
  }
}
