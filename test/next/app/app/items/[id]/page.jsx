import { Rendered } from '../../../lib/rendered.jsx'

export const revalidate = 3600

export function generateStaticParams() {
  return []
}

export default async function Page() {
  return <Rendered version={1} />
}
