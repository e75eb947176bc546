import { connection } from 'next/server'
import { Suspense } from 'react'
import { Cached } from '../../lib/cached.jsx'

/** A part that is kept, and one that is made for each request. */
export default function Page() {
  return (
    <>
      <Cached />
      <Suspense fallback={<i>soon</i>}>
        <Now />
      </Suspense>
    </>
  )
}

async function Now() {
  await connection()
  return <b id="now">{Date.now()}</b>
}
