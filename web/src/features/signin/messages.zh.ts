import type { Messages } from "./messages.en";

export const zh: Messages = {
  title: "登录",
  text: "此服务器需要知道访问者身份。请使用令牌登录。",
  token: "令牌",
  do: "登录",
  busy: "正在登录……",
  how: "如何获取令牌",
  howText: "在服务器主机上，由其主目录的所有者创建：",
  admin: "首次启动时已在主目录写入一个拥有全部权限的令牌：",
  wrong: "此令牌无效。",
  link: "此链接已被使用，或已超过十分钟。请使用令牌登录。",
};
