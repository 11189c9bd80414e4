/**
 * The members of a comma-separated header (RFC 9110, section 5.6.1), without the spaces and tabs
 * around them. What stands in quotes belongs to its member: a comma in them ends nothing. A quote
 * that never ends makes no member.
 */
export function commaList(text: string): readonly string[] {
  const members: string[] = []
  let begin = 0
  let isQuoted = false
  for (let at = 0; at < text.length; at++) {
    const character = text[at]
    if (isQuoted && character === '\\') at += 1
    else if (character === '"') isQuoted = !isQuoted
    else if (character === ',' && !isQuoted) {
      members.push(text.slice(begin, at))
      begin = at + 1
    }
  }
  if (!isQuoted) members.push(text.slice(begin))
  return members.map(withoutSpace).filter((it) => it !== '')
}

const SPACE = [' ', '\t']

function withoutSpace(text: string): string {
  let [begin, end] = [0, text.length]
  while (begin < end && SPACE.includes(text[begin] ?? '')) begin += 1
  while (end > begin && SPACE.includes(text[end - 1] ?? '')) end -= 1
  return text.slice(begin, end)
}
