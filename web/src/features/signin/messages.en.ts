export const en = {
  title: "Sign in",
  text: "This server wants to know who asks. Sign in with a token.",
  token: "Token",
  do: "Sign in",
  busy: "Signing in …",
  how: "How to get one",
  howText: "On the server's host, whoever owns its home makes one:",
  admin: "The first start wrote one for everything into the home:",
  wrong: "This token opens nothing.",
  link: "This link was used already, or is older than ten minutes. Sign in with a token.",
};
export type Messages = typeof en;
