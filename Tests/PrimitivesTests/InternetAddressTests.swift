import Primitives
import Testing

@Suite("Internet addresses")
struct InternetAddressTests {
  @Test(
    "Addresses of private, local and reserved networks are not public",
    arguments: [
      "0.0.0.0", "10.0.0.1", "100.64.0.1", "100.127.255.255", "127.0.0.1", "127.1", "2130706433", "0x7f000001", "0177.0.0.1",
      "169.254.169.254", "172.16.0.1", "172.31.255.255", "192.0.0.1", "192.0.2.1", "192.168.1.1", "198.18.0.1", "198.51.100.1",
      "203.0.113.1", "224.0.0.1", "240.0.0.1", "255.255.255.255", "::", "::1", "::ffff:127.0.0.1", "::ffff:10.0.0.1", "fe80::1",
      "fc00::1", "fd12:3456::1", "fec0::1", "ff02::1", "2001:db8::1", "3fff::1", "2001::1", "64:ff9b::10.0.0.1", "64:ff9b::7f00:1",
      "2002:7f00:1::", "2002:a00:1::", "::127.0.0.1", "100::1",
    ])
  func reserved(text: String) throws {
    let address = try #require(InternetAddress(text))
    #expect(!address.isPublic)
  }

  @Test(
    "Addresses of the Internet are public",
    arguments: [
      "1.1.1.1", "9.255.255.255", "11.0.0.1", "100.63.255.255", "100.128.0.1", "172.15.0.1", "172.32.0.1", "192.167.0.1", "198.17.0.1",
      "198.20.0.1", "223.255.255.255", "2606:4700::1111", "2a00:1450::1", "::ffff:1.1.1.1", "64:ff9b::1.1.1.1", "2002:101:101::",
      "2001:4860::1", "3ffe::1",
    ])
  func internet(text: String) throws {
    let address = try #require(InternetAddress(text))
    #expect(address.isPublic)
  }

  @Test(
    "Host names are not addresses", arguments: ["", "localhost", "example.com", "beef", "1.2.3.4.5", "256.1.1.1", "[::1]", "1.1.1.1 x"])
  func names(text: String) {
    #expect(InternetAddress(text) == nil)
  }

  @Test("The text is canonical, and a mapped address is an IPv4 address")
  func text() throws {
    #expect(try #require(InternetAddress("::ffff:10.0.0.1")).description == "10.0.0.1")
    #expect(try #require(InternetAddress("2001:0DB8:0:0::1")).description == "2001:db8::1")
    #expect(InternetAddress(bytes: [1, 2, 3]) == nil)
  }
}
