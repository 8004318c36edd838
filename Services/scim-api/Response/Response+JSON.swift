import HTTPTypes
import Hummingbird
import NIOCore

extension Response {
  /// An answer with a JSON body.
  static func json(_ status: HTTPResponse.Status, _ body: ByteBuffer, mediaType: String, headers: HTTPFields = [:]) -> Response {
    .json(status, ResponseBody(byteBuffer: body), mediaType: mediaType, headers: headers)
  }

  /// An answer with a JSON body that may be written piece by piece.
  static func json(_ status: HTTPResponse.Status, _ body: ResponseBody, mediaType: String, headers: HTTPFields = [:]) -> Response {
    var headers = headers
    headers[.contentType] = "\(mediaType); charset=utf-8"
    return Response(status: status, headers: headers, body: body)
  }

  static func refusal(_ refusal: APIError, mediaType: String) -> Response {
    .json(
      HTTPResponse.Status(code: refusal.error.status), ByteBuffer(bytes: refusal.error.body()), mediaType: mediaType,
      headers: refusal.headers)
  }
}
