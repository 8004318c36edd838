import Foundation
import Postgres
import TestSupport
import Testing

@Suite("Values")
struct ValueTests {
  /// The row that the server returns for a parameter.
  private func echo(_ value: PostgresValue, as type: String) async throws -> Row {
    try await PostgresServer.withOwnDatabase { pool in
      try #require(try await pool.query(Statement(once: "echo", "select $1::\(type)"), [value]).first)
    }
  }

  @Test("Integers round-trip", arguments: [0, 1, -1, .max, .min] as [Int64])
  func integers(number: Int64) async throws {
    #expect(try await Int64(echo(.int(number), as: "int8").int(0)) == number)
  }

  @Test("Floating-point numbers round-trip", arguments: [0, -1.5, .pi, .greatestFiniteMagnitude, .infinity])
  func doubles(number: Double) async throws {
    #expect(try await echo(.double(number), as: "float8").double(0) == number)
  }

  @Test("Text round-trips", arguments: ["", "Zoë", "'; drop table users; --", "a\\b\n\t\u{1F600}", "{\"a\",null}"])
  func text(text: String) async throws {
    #expect(try await echo(.text(text), as: "text").string(0) == text)
    #expect(try await echo(.textArray([text, "other"]), as: "text[]").textArray(0) == [text, "other"])
  }

  @Test("UUIDs, bytes, Booleans and JSON round-trip")
  func others() async throws {
    let id = UUID()
    #expect(try await echo(.uuid(id), as: "uuid").uuid(0) == id)
    #expect(try await echo(.bytes([0, 255, 92]), as: "bytea").bytes(0) == [0, 255, 92])
    #expect(try await echo(.bool(true), as: "bool").bool(0))
    #expect(try await echo(.json(Array(#"{"a": [1]}"#.utf8)), as: "jsonb").string(0) == #"{"a": [1]}"#)
    #expect(try await echo(.null, as: "text").optionalString(0) == nil)
  }

  @Test(
    "Timestamps round-trip to the microsecond, including infinities",
    arguments: [
      Date(timeIntervalSince1970: 0), Date(timeIntervalSince1970: 1_767_225_600.123), Date(timeIntervalSince1970: -86_400.5),
      .distantFuture, .distantPast,
    ])
  func times(time: Date) async throws {
    let back = try await echo(.timestamp(time), as: "timestamptz").timestamp(0)
    #expect(abs(back.timeIntervalSince(time)) < 0.000_001)
  }

  @Test("Arrays round-trip, including empty ones")
  func arrays() async throws {
    let ids = [UUID(), UUID()]
    #expect(try await echo(.uuidArray(ids), as: "uuid[]").uuidArray(0) == ids)
    #expect(try await echo(.uuidArray([]), as: "uuid[]").uuidArray(0) == [])
    #expect(try await echo(.intArray([1, -2]), as: "int8[]").intArray(0) == [1, -2])
    #expect(try await echo(.boolArray([true, false]), as: "bool[]").boolArray(0) == [true, false])
    #expect(try await echo(.bytesArray([[1], []]), as: "bytea[]").bytesArray(0) == [[1], []])
    let times = [Date(timeIntervalSince1970: 1), .distantFuture]
    #expect(try await echo(.timestampArray(times), as: "timestamptz[]").timestampArray(0) == times)
  }
}
