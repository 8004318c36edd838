import HTTPTypes
import Hummingbird
import NIOCore
import NIOHTTP1
import NIOHTTPTypes
import SCIM

/// Answers what is not HTTP, or has more headers than a request may have, with a SCIM error, and closes the connection.
///
/// Where a request before it on the connection is not answered yet, the error is passed on to whoever answers that, so that answers never
/// overtake each other.
final class MalformedRequestHandler: ChannelDuplexHandler, RemovableChannelHandler {
  typealias InboundIn = HTTPRequestPart
  typealias InboundOut = HTTPRequestPart
  typealias OutboundIn = HTTPResponsePart
  typealias OutboundOut = HTTPResponsePart

  private let headers: SecurityHeaders
  private let count: (_ peer: String?) -> APIError?
  /// Requests that have begun to arrive and are not answered to the end.
  private var unanswered = 0
  private var isClosing = false

  /// - Parameter count: counts a request from an address; a refusal where there were too many.
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
  /// What the parser of HTTP stumbled over.
  static func malformedRequest(_ error: HTTPParserError) -> APIError {
    switch error {
    case .headerOverflow:
      APIError(431, "The request line or the headers are larger than this service takes. Send filters that are long by POST to .search.")
    case .invalidContentLength, .unexpectedContentLength:
      APIError(
        400,
        """
        The Content-Length is not one whole number of at most 20 digits, or is sent twice or beside a Transfer-Encoding. Send one, with the \
        length of the body in bytes.
        """)
    // The parser has no name of its own for a Transfer-Encoding that does not end in 'chunked'.
    case .unknown:
      APIError(
        400,
        "The request is not HTTP/1.1 as it should be. Leave out Transfer-Encoding, or send 'chunked' alone, and end each line with CR and LF."
      )
    default: APIError(400, "The request is not HTTP/1.1 as it should be: \(error).")
    }
  }

  static func urlTooLong(limit: Int) -> APIError {
    APIError(414, "The URL is longer than \(limit) bytes. Send the query by POST to .search (RFC 7644 §3.4.3).")
  }
}
