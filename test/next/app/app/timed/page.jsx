import { read } from '../../lib/source.js'
import { Rendered } from '../../lib/rendered.jsx'

export const revalidate = 2

export default async function Page() {
  const { version } = await read('timed', { cache: undefined, next: { revalidate: 2 } })
  return <Rendered version={version} />
}
