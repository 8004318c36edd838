import HTTPTypes
import Hummingbird
import NIOCore

extension Response {
  /// A response with a JSON body.
  package static func json(_ status: HTTPResponse.Status, _ body: ByteBuffer, mediaType: String, headers: HTTPFields = [:]) -> Response {
    .json(status, ResponseBody(byteBuffer: body), mediaType: mediaType, headers: headers)
  }

  /// A response with a JSON body, which may be streamed.
  package static func json(_ status: HTTPResponse.Status, _ body: ResponseBody, mediaType: String, headers: HTTPFields = [:]) -> Response {
    var headers = headers
    headers[.contentType] = MediaType.inUTF8(mediaType)
    return Response(status: status, headers: headers, body: body)
  }
}
