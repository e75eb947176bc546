import t from 'tap'
import fc from 'fast-check'
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { crc32 } from 'node:zlib'
import {
  decodeFooter,
  encodeAttributes,
  encodeFooter,
  FIXED_BYTES,
  FooterProblem,
  MAX_FOOTER_BYTES,
  measureFooter,
  type Footer,
} from '../../lib/format/footer.js'
import { decodeMarker, encodeMarker, MARKER_VERSION } from '../../lib/format/marker.js'
import { hashKey } from '../../lib/key.js'
import { EXAMPLE, EXAMPLE_VALUE } from './example.js'

const ORDINARY: Footer = { ...EXAMPLE, valueBytes: 0, valueCrc: 0 }
const text = fc.string({ unit: 'binary', maxLength: 60 }).filter((text) => text.isWellFormed())
const below2to53 = fc.maxSafeNat()

const anyText = fc.string({ unit: 'binary' })
const anyFooter: fc.Arbitrary<Footer> = fc.record(
  {
    version: fc.stringMatching(/^[0-9a-f]{32}$/),
    valueBytes: below2to53.map((bytes) => Math.floor(bytes / 2)),
    valueCrc: fc.integer({ min: 0, max: 0xffff_ffff }),
    key: text,
    host: fc.stringMatching(/^[A-Za-z0-9._-]{1,64}$/),
    writtenAtMs: below2to53,
    expiresAtMs: fc.constantFrom(undefined, 1, 2 ** 32 - 1, 2 ** 32, Number.MAX_SAFE_INTEGER),
    contentType: fc.option(anyText, { nil: undefined }),
    metadata: fc.dictionary(anyText, anyText, { noNullPrototype: true }),
  },
  { noNullPrototype: true },
)

/** The footer again, with its crc made right, after `change` has had its way with it. */
function altered(change: (footer: Buffer) => void): Buffer {
  const footer = encodeFooter(ORDINARY)
  change(footer)
  footer.writeUInt32LE(crc32(footer.subarray(0, -12)), footer.length - 12)
  return footer
}

/** A footer whose attributes are these bytes, as no release has written it. */
function withAttributes(attributes: string): Buffer {
  const bytes = Buffer.from(attributes)
  const bare = encodeFooter({ ...ORDINARY, contentType: undefined, metadata: {} })
  const fixed = bare.length - FIXED_BYTES
  const footer = Buffer.concat([bare.subarray(0, fixed), bytes, bare.subarray(fixed)])
  footer.writeUInt32LE(bytes.length, footer.length - FIXED_BYTES + 48)
  footer.writeUInt32LE(footer.length, footer.length - 16)
  footer.writeUInt32LE(crc32(footer.subarray(0, -12)), footer.length - 12)
  return footer
}

function problemOf(result: Footer | number | FooterProblem): FooterProblem {
  if (result instanceof FooterProblem) return result
  throw new Error('it was accepted')
}

/** The bytes of the hex dump on a page. */
function dumpedBytes(page: string): Buffer {
  const lines = page.split('\n').filter((line) => /^[0-9a-f]{8}: /.test(line))
  const bytes = lines.map((line) => Buffer.from(line.slice(10, 49).replaceAll(' ', ''), 'hex'))
  lines.forEach((line, i) => {
    const shown = bytes[i]!.toString('latin1').replace(/[^ -~]/g, '.')
    if (line.slice(51) !== shown) throw new Error(`${line} should end in ${shown}`)
    if (parseInt(line.slice(0, 8), 16) !== i * 16) throw new Error(`${line} has a wrong address`)
  })
  return Buffer.concat(bytes)
}

await t.test('the object of docs/format.md is, byte for byte, what is written', async (t) => {
  const page = readFileSync(new URL('../../docs/format.md', import.meta.url), 'utf8')
  const file = Buffer.concat([EXAMPLE_VALUE, encodeFooter(EXAMPLE)])
  t.same(dumpedBytes(page), file)
  const hash = hashKey(EXAMPLE.key)
  t.match(page, `\`${hash.slice(0, 2)}/${hash.slice(2, 4)}/${hash.slice(4)}\``)
  const rows = [...page.matchAll(/^\| 0x([0-9a-f]+) +\| `([^|]*)` +\| ([^|]+?) +\|/gm)]
  t.equal(rows.length, 17)
  let end = 0
  for (const [, at = '', shown = '', field = ''] of rows) {
    t.equal(parseInt(at, 16), end, `${field} begins where the field before it ends`)
    const [first = '', last] = shown.split('` … `').map((hex) => hex.replaceAll(' ', ''))
    const begin = end
    end = begin + first.length / 2
    t.equal(file.toString('hex', begin, end), first, field)
    if (last !== undefined) end = file.indexOf(last, end, 'hex') + last.length / 2
  }
  t.equal(end, file.length, 'every byte is pointed at')
})

await t.test('a footer comes back as it was written', async () => {
  fc.assert(
    fc.property(anyFooter, (footer) => {
      const bytes = encodeFooter(footer)
      const fileBytes = footer.valueBytes + bytes.length
      assert.equal(measureFooter(bytes.subarray(-FIXED_BYTES), fileBytes), bytes.length)
      assert.deepEqual(decodeFooter(bytes, fileBytes), { chain: undefined, ...footer })
    }),
  )
})

await t.test('metadata may have any names, those of objects included', async (t) => {
  const metadata = JSON.parse('{"__proto__":"a","constructor":"b","":"","\\ud800":"c"}') as object
  const bytes = encodeFooter({ ...ORDINARY, metadata: metadata as Record<string, string> })
  const read = decodeFooter(bytes, bytes.length) as Footer
  t.strictSame(Object.entries(read.metadata), Object.entries(metadata))
  t.equal(Object.getPrototypeOf(read.metadata), Object.prototype)
  t.equal(encodeAttributes(undefined, {}).length, 0)
})

await t.test('every flipped bit of a footer is noticed', async (t) => {
  const bytes = encodeFooter(ORDINARY)
  const unnoticed: number[] = []
  for (let bit = 0; bit < bytes.length * 8; bit += 1) {
    const flipped = Buffer.from(bytes)
    flipped[bit >> 3]! ^= 1 << (bit & 7)
    const measured = measureFooter(flipped, flipped.length)
    const isLength = typeof measured === 'number'
    const footer = isLength ? flipped.subarray(flipped.length - measured) : flipped
    const result = isLength ? decodeFooter(footer, flipped.length) : measured
    if (!(result instanceof FooterProblem) || result.code !== 'CORRUPT') unnoticed.push(bit)
  }
  t.same(unnoticed, [])
})

await t.test('what a newer release has written is told from what is broken', async (t) => {
  const newer = altered((footer) => footer.writeUInt8(2, footer.length - 18))
  const problem = problemOf(decodeFooter(newer, newer.length))
  t.match(problem, { code: 'FORMAT_UNSUPPORTED', reason: /version is 2/ })
  const flagged = altered((footer) => footer.writeUInt8(4, footer.length - 17))
  t.match(problemOf(decodeFooter(flagged, flagged.length)), { code: 'FORMAT_UNSUPPORTED' })
  const strange = altered((footer) => {
    footer.writeUInt8(2, footer.length - 18)
    footer.writeUInt32LE(0xffff_ffff, footer.length - FIXED_BYTES + 44)
  })
  const other = problemOf(decodeFooter(strange, strange.length))
  t.equal(other.code, 'FORMAT_UNSUPPORTED', 'the version counts before the lengths')
})

await t.test('lengths that cannot be are refused, and no memory is spent on them', async (t) => {
  for (const [at, bytes] of [
    [16, 8],
    [44, 4],
    [48, 4],
    [52, 2],
  ] as const) {
    const wrong = altered((footer) => {
      const offset = footer.length - FIXED_BYTES + at
      footer.writeUIntLE(
        footer.readUIntLE(offset, Math.min(6, bytes)) + 1,
        offset,
        Math.min(6, bytes),
      )
    })
    t.match(problemOf(decodeFooter(wrong, wrong.length)), { code: 'CORRUPT' }, `at ${at}`)
  }
  for (const length of [0, FIXED_BYTES - 1, MAX_FOOTER_BYTES + 1, 0xffff_ffff]) {
    const wrong = altered((footer) => footer.writeUInt32LE(length, footer.length - 16))
    t.match(problemOf(measureFooter(wrong, 2 ** 40)), { code: 'CORRUPT' }, `length ${length}`)
  }
  t.match(problemOf(measureFooter(Buffer.alloc(0), 0)), { reason: 'the file is empty' })
  t.match(problemOf(measureFooter(Buffer.alloc(71), 71)), { reason: 'the file is cut short' })
})

await t.test('attributes that nobody should have written are refused', async (t) => {
  const good = withAttributes('{"contentType":"a","later":[1]}')
  t.match(decodeFooter(good, good.length), { contentType: 'a', metadata: {} })
  const wrong = ['nonsense', '[]', 'null', '5', '{"contentType":5}', '{"metadata":["a"]}']
  for (const json of [...wrong, '{"metadata":{"a":1}}', '{"metadata":null}', '{"a":"b"']) {
    const bytes = withAttributes(json)
    t.match(problemOf(decodeFooter(bytes, bytes.length)), { code: 'CORRUPT' }, json)
  }
})

/** Kinds of stores: the format, and whether writes may be conditional. */
const KINDS = [
  ['envelope', false],
  ['envelope', true],
  ['raw', false],
] as const

await t.test('a marker says what it was written with, and more may be added to it', async (t) => {
  for (const [format, isConditional] of KINDS) {
    const bytes = encodeMarker({ format, isConditional })
    t.same(decodeMarker(bytes), { kind: 'format', format, isConditional })
    const marker = JSON.parse(bytes.toString()) as Record<string, unknown>
    const version = isConditional ? MARKER_VERSION : 1
    t.match(marker, { store: 'linkstore', format, version, about: String })
    fc.assert(
      fc.property(fc.dictionary(anyText, fc.jsonValue()), (unknown) => {
        const extended = Buffer.from(JSON.stringify({ ...unknown, ...marker }))
        assert.deepEqual(decodeMarker(extended), { kind: 'format', format, isConditional })
      }),
    )
  }
})

await t.test('whatever else lies in the place of a marker is no marker', async (t) => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
      assert.equal(decodeMarker(Buffer.from(bytes)).kind, 'unreadable')
    }),
  )
  const good = { store: 'linkstore', format: 'envelope', version: 1 }
  for (const wrong of [
    ...['', ' ', '{', 'null', '[]', '"linkstore"', '1', '{}'],
    ...[{ store: 'other' }, { store: undefined }, { format: 'sealed' }, { format: 1 }].map(
      (change) => JSON.stringify({ ...good, ...change }),
    ),
    ...[0, -1, 1.5, '1', null, undefined].map((version) => JSON.stringify({ ...good, version })),
  ]) {
    t.equal(decodeMarker(Buffer.from(wrong)).kind, 'unreadable', wrong)
  }
  const newer = decodeMarker(Buffer.from(JSON.stringify({ ...good, version: 3, format: 'x' })))
  t.same(newer, { kind: 'newer', version: 3 })
})
