import Models
import SCIM

extension APIError {
  /// What identity-store refused, in its words.
  ///
  /// - Parameter error: a SCIM error in JSON.
  init(status: Int, stored error: [UInt8]) {
    var detail: String?
    // What cannot be read has no words; the status is there all the same.
    do { detail = try JSON(parsing: error).object?["detail"]?.string } catch { detail = nil }
    self.init(
      status, detail ?? "The request was refused.",
      headers: status == 503 || status == 429 ? [.retryAfter: "\(APIError.retrySeconds)"] : [:])
  }
}
