import Link from 'next/link'

/** The pages that this application has. */
const PATHS = globalThis.process.env.PAGE_PATHS.split(' ')

export default function Home() {
  return (
    <main>
      <h1>Home</h1>
      {PATHS.map((path) => (
        <Link key={path} href={path}>
          {path}
        </Link>
      ))}
    </main>
  )
}
