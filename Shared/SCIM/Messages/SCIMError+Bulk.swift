extension SCIMError {
  /// An operation of a bulk request that names what another one was to make, and did not (RFC 7644 §3.7.2).
  ///
  /// - Parameters:
  ///   - reference: how it is named: an id, or `bulkId:` and the name.
  ///   - status: of the operation that failed.
  public static func failedReference(_ reference: String, status: Int) -> SCIMError {
    SCIMError(
      status: 409, scimType: nil,
      detail: """
        The operation refers to \(reference), whose own operation failed with status \(status), so it was not carried out. Correct that one \
        and send both again.
        """)
  }
}
