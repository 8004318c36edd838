import HTTPTypes
import Hummingbird
import NIOCore
import NIOHTTP1
import NIOHTTPTypes
import SCIM

/// Responds to malformed HTTP and to oversized headers with a SCIM error, and closes the connection.
///
/// While an earlier request of the connection has no complete response, the error is passed on to the handler of that request, so that
/// responses stay in order.
final class MalformedRequestHandler: ChannelDuplexHandler, RemovableChannelHandler {
  typealias InboundIn = HTTPRequestPart
  typealias InboundOut = HTTPRequestPart
  typealias OutboundIn = HTTPResponsePart
  typealias OutboundOut = HTTPResponsePart

  private let headers: SecurityHeaders
  private let count: (_ peer: String?) -> APIError?
  /// The number of requests that have started to arrive and have no complete response.
  private var unanswered = 0
  private var isClosing = false

  /// - Parameter count: counts a malformed request of a client address; returns 429 if the address has sent too many.
  init(headers: SecurityHeaders, count: @escaping (_ peer: String?) -> APIError?) {
    self.headers = headers
    self.count = count
  }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    guard !isClosing else { return }
    if case .head = unwrapInboundIn(data) { unanswered += 1 }
    context.fireChannelRead(data)
  }

  func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
    if case .end = unwrapOutboundIn(data) { unanswered -= 1 }
    context.write(data, promise: promise)
  }

  func errorCaught(context: ChannelHandlerContext, error: any Error) {
    guard let error = error as? HTTPParserError, unanswered == 0, !isClosing else { return context.fireErrorCaught(error) }
    isClosing = true
    let refusal = count(context.remoteAddress?.ipAddress) ?? APIError.malformedRequest(error)
    let body = ByteBuffer(bytes: refusal.error.body())
    var fields: HTTPFields = [
      .contentType: "application/scim+json; charset=utf-8", .contentLength: "\(body.readableBytes)", .connection: "close",
    ]
    for field in refusal.headers where !fields.contains(field.name) { fields.append(field) }
    headers.add(to: &fields)
    let head = HTTPResponse(status: HTTPResponse.Status(code: refusal.error.status), headerFields: fields)
    context.write(wrapOutboundOut(.head(head)), promise: nil)
    context.write(wrapOutboundOut(.body(body)), promise: nil)
    context.writeAndFlush(wrapOutboundOut(.end(nil)), promise: nil)
    context.close(mode: .output, promise: nil)
    context.close(promise: nil)
  }
}

@available(*, unavailable)
extension MalformedRequestHandler: Sendable {}

extension APIError {
  /// The error for a request that the HTTP parser rejects.
  static func malformedRequest(_ error: HTTPParserError) -> APIError {
    switch error {
    case .headerOverflow:
      APIError(431, "The request line or the headers are too large. Send long filters by POST to .search.")
    case .invalidContentLength, .unexpectedContentLength:
      APIError(
        400,
        """
        The Content-Length is not an integer of at most 20 digits, or is sent twice or together with a Transfer-Encoding. Send one, with the \
        length of the body in bytes.
        """)
    // The parser reports a Transfer-Encoding that does not end in 'chunked' as an unknown error.
    case .unknown:
      APIError(
        400,
        "The request is not valid HTTP/1.1. Leave out Transfer-Encoding, or send 'chunked' alone, and end each line with CR and LF."
      )
    default: APIError(400, "The request is not valid HTTP/1.1: \(error).")
    }
  }

  static func urlTooLong(limit: Int) -> APIError {
    APIError(414, "The URL is longer than \(limit) bytes. Send the query by POST to .search (RFC 7644 §3.4.3).")
  }
}
