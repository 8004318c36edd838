import Foundation
import ServiceKit
import Tracing

// Spans of invitations: the claim, and each attempt to send it.
extension [DueInvitation] {
  /// Records a span of the claim for each invitation whose trace is sampled.
  ///
  /// - Parameter start: When the claim began. Only afterwards it is known which invitations are due.
  func recordClaims(since start: Date) {
    for invitation in self {
      TraceContext.sampled(invitation.traceparent)?.startSpan(
        "claim invitation", ofKind: .client, attributes: invitation.spanAttributes, at: start)?.end()
    }
  }
}

extension DueInvitation {
  fileprivate var spanAttributes: SpanAttributes {
    ["rollcall.invitation": .string(id.description), "rollcall.workspace": .string(workspace.description)]
  }
}

extension ScheduledMail {
  /// Starts the span of an attempt to send the mail; nil if the trace of its first invitation is not sampled. A digest has links to the others.
  func startSendSpan() -> (any Span)? {
    guard let first = invitations.first,
      let span = TraceContext.sampled(first.traceparent)?.startSpan(
        "send invitation", ofKind: .client, attributes: first.spanAttributes)
    else { return nil }
    span.updateAttributes { attributes in
      attributes["network.protocol.name"] = "smtp"
      attributes["rollcall.invitation.attempt"] = first.attempts + 1
    }
    for invitation in invitations.dropFirst() {
      guard let trace = TraceContext.sampled(invitation.traceparent) else { continue }
      var context = ServiceContext.topLevel
      context.trace = trace
      span.addLink(SpanLink(context: context, attributes: [:]))
    }
    return span
  }
}

extension Span {
  /// Ends the span of an attempt with its result.
  func end(_ result: DeliveryResult) {
    attributes["rollcall.invitation.result"] = result.name
    if !result.isSent { setStatus(SpanStatus(code: .error)) }
    end()
  }
}

extension DeliveryResult {
  fileprivate var isSent: Bool { if case .sent = self { true } else { false } }

  fileprivate var name: String {
    switch self {
    case .sent: "sent"
    case .bounced: "bounced"
    case .failed: "failed"
    case .unsendable: "unsendable"
    case .retry: "retry"
    case .postponed: "postponed"
    }
  }
}
