/** Big-endian numbers in bytes whose bounds the caller has checked. */

export function unsigned16(bytes: Uint8Array, at: number): number {
  return ((bytes[at] as number) << 8) | (bytes[at + 1] as number);
}

export function unsigned24(bytes: Uint8Array, at: number): number {
  return ((bytes[at] as number) << 16) | unsigned16(bytes, at + 1);
}

export function unsigned32(bytes: Uint8Array, at: number): number {
  return (
    (((bytes[at] as number) << 24) |
      ((bytes[at + 1] as number) << 16) |
      ((bytes[at + 2] as number) << 8) |
      (bytes[at + 3] as number)) >>>
    0
  );
}

export function setUnsigned24(bytes: Uint8Array, at: number, value: number): void {
  bytes[at] = value >>> 16;
  bytes[at + 1] = value >>> 8;
  bytes[at + 2] = value;
}

export function setUnsigned32(bytes: Uint8Array, at: number, value: number): void {
  bytes[at] = value >>> 24;
  bytes[at + 1] = value >>> 16;
  bytes[at + 2] = value >>> 8;
  bytes[at + 3] = value;
}

/** Octets up to the next multiple of four [RFC 6733 4]. */
export function padded(length: number): number {
  return (length + 3) & ~3;
}

/**
 * What `toString(encoding, start, end)` calls, without its 20 ns of argument handling. Every Node
 * release since 0.12 has these methods on its Buffers; the type declarations leave them out.
 */
interface Slices {
  latin1Slice(start: number, end: number): string;
  hexSlice(start: number, end: number): string;
}

export function sliceLatin1(bytes: Buffer, start: number, end: number): string {
  return (bytes as Buffer & Slices).latin1Slice(start, end);
}

export function sliceHex(bytes: Buffer, start: number, end: number): string {
  return (bytes as Buffer & Slices).hexSlice(start, end);
}
