/** Every bound of the RADIUS front in one place, each with its unit and its reason. */
export const RADIUS_LIMITS = {
  /** Shortest packet: the header alone [RFC 2865 3]. */
  packetOctetsMin: 20,
  /** Longest packet [RFC 2865 3]. */
  packetOctetsMax: 4096,
  /**
   * Attributes of one packet. A full accounting request of a broadband gateway has about 60; the
   * bound keeps 2,038 empty attributes from costing more than their octets.
   */
  attributesMax: 255,
  /** A User-Password is at most 128 octets [RFC 2865 5.2]. */
  passwordOctetsMax: 128,
  /** Octets of one standard attribute value: 255 less type and length. */
  valueOctetsMax: 253,
  /** Octets of one vendor attribute value: type, length, vendor, vendor type, vendor length. */
  vendorValueOctetsMax: 247,
  /** Octets of one value joined from several attributes: what fits in a packet. */
  joinedValueOctetsMax: 4076,
} as const;
