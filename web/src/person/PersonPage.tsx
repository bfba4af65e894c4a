export default function PersonPage(_: { subject: string | null }) {
  return null;
}
