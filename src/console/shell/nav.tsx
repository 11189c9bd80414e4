import { Icon, type IconName } from '../parts/icon.tsx'
import { path } from '../router.ts'
import { scopesHalted, switchReport } from '../status.ts'
import { plural } from '../words.ts'

type Item = Readonly<{ href: string; label: string; icon: IconName; key: string }>

/** `key` goes there after g. */
export const NAV: readonly Readonly<{ title: string; items: readonly Item[] }>[] = [
  {
    title: 'Read',
    items: [
      { href: '/', label: 'Overview', icon: 'overview', key: 'o' },
      { href: '/dispatches', label: 'Dispatches', icon: 'list', key: 'd' },
      { href: '/refusals', label: 'Refusals', icon: 'refuse', key: 'r' },
    ],
  },
  {
    title: 'Try',
    items: [{ href: '/try', label: 'Try a dispatch', icon: 'play', key: 't' }],
  },
  {
    title: 'Operate',
    items: [{ href: '/switch', label: 'Kill switch', icon: 'power', key: 's' }],
  },
]

export function Nav() {
  const here = path.value.startsWith('/dispatches') ? '/dispatches' : path.value
  return (
    <nav class="nav" aria-label="Screens">
      <a class="brand" href="/" aria-label="Dispatch Ledger">
        <svg viewBox="0 0 20 20" aria-hidden="true">
          <rect x="2" y="2" width="16" height="16" rx="4" />
          <path d="M6 6.5v7M9 6.5v7M12 6.5v4M14.5 6.5v2" />
        </svg>
        <span>Dispatch Ledger</span>
      </a>
      {NAV.map(({ title, items }) => (
        <div class="nav-group" key={title}>
          <h2>{title}</h2>
          <ul>
            {items.map((it) => (
              <li key={it.href}>
                <a
                  href={it.href}
                  title={`${it.label} (g ${it.key})`}
                  aria-current={it.href === here ? 'page' : undefined}
                >
                  <Icon name={it.icon} />
                  <span>{it.label}</span>
                  {it.href === '/switch' && <HaltedFlag />}
                </a>
              </li>
            ))}
          </ul>
        </div>
      ))}
      <Foot />
    </nav>
  )
}

function HaltedFlag() {
  const count = scopesHalted.value.length
  if (count === 0) return null
  const text = `${plural(count, 'scope')} halted`
  return (
    <b class="nav-flag" title={text}>
      <Icon name="halt" />
      <span class="sr">{text}</span>
    </b>
  )
}

function Foot() {
  const report = switchReport.value
  return (
    <dl class="nav-foot">
      <div>
        <dt>Guarantee</dt>
        <dd>{report?.guarantee ?? '–'}</dd>
      </div>
      <div>
        <dt>Control revision</dt>
        <dd>{report?.controlRevision ?? '–'}</dd>
      </div>
    </dl>
  )
}
