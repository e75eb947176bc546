import { read } from '../../lib/source.js'
import { Rendered } from '../../lib/rendered.jsx'

export default async function Page() {
  const { version } = await read('tagged')
  return <Rendered version={version} />
}
