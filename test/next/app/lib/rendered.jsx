const PARAGRAPHS = 40

/** A page that says in many places of which rendering it is. */
export function Rendered({ version }) {
  const rendering = globalThis.crypto.randomUUID()
  return (
    <main>
      <h1>version {version}</h1>
      {Array.from({ length: PARAGRAPHS }, (_, index) => (
        <p key={index} data-place={index}>
          {`<rendering ${rendering} version ${version}> ${'filler '.repeat(100)}`}
        </p>
      ))}
    </main>
  )
}
