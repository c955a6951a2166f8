/** How each kind of sender is told where to send. Tests run those whose programs are at hand. */

/** @type {Record<string, string>} {host} and {port} are filled in */
export const SNIPPETS = {
  remote_syslog2: `# /etc/log_files.yml
files:
  - /var/log/nginx/*.log
destination:
  host: {host}
  port: {port}
  protocol: tcp

$ remote_syslog -D --configfile /etc/log_files.yml`,
  rsyslog: `# /etc/rsyslog.d/95-ppl.conf
*.* action(type="omfwd" target="{host}" port="{port}" protocol="tcp"
           TCP_Framing="octet-counted" template="RSYSLOG_SyslogProtocol23Format"
           queue.type="linkedList" queue.size="10000" action.resumeRetryCount="-1")

$ sudo systemctl restart rsyslog && logger "hello from $(hostname)"`,
  "syslog-ng": `# /etc/syslog-ng/conf.d/ppl.conf
destination d_ppl { syslog("{host}" port({port}) transport("tcp")); };
log { source(s_src); destination(d_ppl); };

$ sudo systemctl restart syslog-ng && logger "hello from $(hostname)"`,
  Docker: `$ docker run --log-driver syslog \\
    --log-opt syslog-address=tcp://{host}:{port} \\
    --log-opt syslog-format=rfc5424micro \\
    --log-opt tag="{{.Name}}" \\
    alpine echo "hello from Docker"`,
  Python: `import logging, logging.handlers, socket

handler = logging.handlers.SysLogHandler(("{host}", {port}), socktype=socket.SOCK_STREAM)
handler.append_nul = False
handler.setFormatter(logging.Formatter("myapp: %(message)s\\n"))
logging.getLogger().addHandler(handler)
logging.warning("hello from Python")`,
  netcat: `$ echo "hello from $(hostname)" | nc -w 1 {host} {port}

# or with a program's name and a severity, through util-linux:
$ logger --server {host} --port {port} --tcp --tag myapp --priority user.err "hello"`,
};
